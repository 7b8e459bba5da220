"""``python -m valetkey`` is ``valetkey``."""

from valetkey.cli import main

if __name__ == "__main__":
    main(prog_name="valetkey")
