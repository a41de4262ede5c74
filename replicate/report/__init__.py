"""The report reads records and printed tables, never a network.

`tables` and `plots` put measured numbers beside printed ones, `claims` judges what papers say in
words, `publishing` keeps what git keeps, `mailing` makes one HTML file of it all.
"""
