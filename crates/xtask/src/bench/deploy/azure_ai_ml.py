"""Deploys a file the way azure-ai-ml does it with `local=True`: what the figures of deployments are compared with.

Arguments: `endpoint FILE` or `deploy FILE`. Nothing of it needs an account: the credential is never asked.
"""

import sys

from azure.ai.ml import MLClient, load_online_deployment, load_online_endpoint
from azure.core.credentials import AccessToken


class NeverAsked:
    def get_token(self, *_scopes, **_kwargs):
        return AccessToken("none", 1 << 40)


verb, file = sys.argv[1:]
client = MLClient(NeverAsked(), "none", "none", "none", enable_telemetry=False)
if verb == "endpoint":
    client.online_endpoints.begin_create_or_update(load_online_endpoint(file), local=True)
else:
    made = client.online_deployments.begin_create_or_update(load_online_deployment(file), local=True)
    if getattr(made, "provisioning_state", None) != "Succeeded":
        sys.exit("the deployment did not succeed: %r" % made)
