//! User stories, told to the real binary against a real engine.
