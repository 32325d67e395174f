"""The commands: one module each, declaration and wiring only."""
