"""What the test appends to the reader of the page.

  values PATH..     prints each value, as plain Python objects, on a line of its own
  twins PATH N      reads pairs of equal numbers N times, prints how many different ones there were
"""
import sys


def plain(value):
    if isinstance(value, np.ndarray):
        return [plain(element) for element in value]
    if value.dtype.names:
        return {name: plain(value[name]) for name in value.dtype.names}
    return value.item()


command, *paths = sys.argv[1:]
if command == "values":
    for path in paths:
        print(plain(read(path)))
else:
    seen = set()
    for _ in range(int(paths[1])):
        value = read(paths[0])
        assert value["left"] == value["right"] and (value["between"] == value["left"]).all(), value
        seen.add(int(value["left"]))
    print(len(seen))
