"""A seeded, labelled stream of chain traffic with fraud scenarios and benign look-alikes."""
