"""Human preference: a blinded page for participants, and percentages from the files they send.

`sources` finds the images, `trials` draws what is asked, `page` writes the page and its key,
`answers` reads and checks what came back, `scoring` makes percentages and `intervals` their
uncertainty. A percentage depends on the people, the images and the conditions, so that it is never
comparable with a printed one (`amt/attentiongan`, `pref/attentiongan`, `pref/ugatit`): what may be
compared are methods within one study.
"""
