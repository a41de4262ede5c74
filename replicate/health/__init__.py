"""Known failures of unpaired translation, each with a number, a threshold and its reason.

`faults` is the list, `measures` has the numbers of images and maps, `discriminators` that of the
losses, `examine` puts them together. A fault is a reason to look at the pictures, not a score.
"""
