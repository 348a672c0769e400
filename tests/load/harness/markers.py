"""The parts of a page that a program makes, between markers."""


def replace(path, sections):
    """Gives the page other bodies for these sections, by name, and leaves the rest as it is."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for name, body in sections.items():
        begin, end = f"<!-- begin: {name} -->\n", "<!-- end -->"
        before, found, rest = text.partition(begin)
        _, ended, after = rest.partition(end)
        if not found or not ended:
            raise RuntimeError(f"{path} has no section {name}")
        text = f"{before}{begin}{body}\n{end}{after}"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
