"""Logs a metric as MLflow's file store has it, and leaves a table and a picture."""

import os
import time
from pathlib import Path

store = Path(os.environ["MLFLOW_TRACKING_URI"].removeprefix("file://"))
metric = store / "0" / "run" / "metrics" / "loss"
metric.parent.mkdir(parents=True, exist_ok=True)
for step in range(1, 6):
    with metric.open("a") as file:
        file.write(f"{int(time.time() * 1000)} {1 / step} {step}\n")
    time.sleep(0.2)
outputs = Path("outputs")
outputs.mkdir(exist_ok=True)
(outputs / "weather.csv").write_text("rain, sun\n3, 4\n")
(outputs / "leaf.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="60" height="60"><circle cx="30" cy="30" r="25" fill="green"/></svg>\n')
