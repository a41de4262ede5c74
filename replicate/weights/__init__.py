"""Trained weights as files, of runs and of the authors, with a card that says what they are.

`stored` reads and writes them, `building` makes a method of them, `maps` and `official` read the
authors' checkpoints, `published` knows where those are, `finding` what a name stands for.
"""
