"""What happens to alerts between detection and people: stages that take an iterator and give one.

``intake`` reads and checks, ``select`` lets through, ``tally`` counts, ``forms`` writes. A stage carries
(line, record) pairs: the line as it came in, so that what is let through is the same bytes.
"""
