//! Local engine.
