//! The one door to the container engine.
