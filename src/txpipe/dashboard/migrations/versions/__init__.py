"""One module a step, in order; a released one is never changed."""
