"""Scores of image sets: every number is a `score.Score` that carries its protocol.

`compare` holds the FID and KID rows of an extractor, `folders` the whole of `replicate score`,
`image` PSNR and SSIM, `attention` the scores against a true mask, `fid` and `kid` the estimators
on features; `standin`, `inception` and `features` say where features come from.
"""
