"""What a disk can do to a file."""
from lib.tap import true


def flip(path, mark):
    """Flip a bit within the bytes `mark`, wherever the file holds them."""
    content = bytearray(path.read_bytes())
    at = content.find(mark)
    true(at >= 0, "the record is found")
    while at >= 0:
        content[at + len(mark) // 2] ^= 0x10
        at = content.find(mark)
    path.write_bytes(content)
