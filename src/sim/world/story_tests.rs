//! The scenarios as stories: what a responder does, and what then happens.
