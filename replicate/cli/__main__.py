from replicate.cli import main

main()
