"""The terminal side of txdash: the store's alerts on a screen of text, driven by keys.

It runs in the dashboard's own process (``attend``), never in the pipe's: a screen that hangs or dies holds
nothing up. It draws on ``/dev/tty`` and reads keys there, so that stdin, stdout and stderr stay the pipe's.
What is on the screen is read from the store anew, at most twice a second, never replayed from events: a
terminal at any speed shows what is true now.

``screen`` is the pipe's half: it finds the terminal, hears that the person leaves, and puts the terminal
right again when the process behind the screen was killed. ``row``, ``words`` and ``story`` turn alerts into
text, with everything unseen written out; ``head`` writes the lines at the top; ``table``, ``pages`` and
``app`` are Textual's.
"""
