//! What can be typed on the command line, nothing else.
