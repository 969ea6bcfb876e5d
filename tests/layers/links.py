#!/usr/bin/env python3
"""Every link of the pages to a file of the project, and to a heading of a page, leads somewhere: links.py SOURCE_DIR."""
import os
import re
import sys

TOP = sys.argv[1]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def pages():
    yield "README.md"
    for name in sorted(os.listdir(os.path.join(TOP, "docs"))):
        if name.endswith(".md"):
            yield "docs/" + name


def text_of(path):
    """The page without its blocks of code."""
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        return re.sub(r"(?m)^    .*$|^```[^`]*^```", "", f.read())


def anchors(path):
    """The headings as they are linked to: small letters, no signs, a dash for each blank."""
    found = set()
    for heading in re.findall(r"(?m)^#+ +(.*)$", text_of(path)):
        plain = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
        found.add(plain.strip().replace(" ", "-"))
    return found


def main():
    wrong = []
    for page in pages():
        for link in LINK.findall(text_of(page)):
            if re.match(r"[a-z]+:", link):
                continue
            file, _, anchor = link.partition("#")
            path = os.path.normpath(os.path.join(os.path.dirname(page), file)) if file else page
            if not os.path.exists(os.path.join(TOP, path)):
                wrong.append("%s: %s: no such file" % (page, link))
            elif anchor and path.endswith(".md") and anchor not in anchors(path):
                wrong.append("%s: %s: no such heading" % (page, link))
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
