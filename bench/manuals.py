"""Debian's installation guide as a corpus: real text in many languages.

    manuals.make(FOLDER) --> FOLDER/corpus.ndjson, FOLDER/links.ndjson

Each page of each language is an article of the section of its language. The other pages of its chapter are its links. The texts are
downloaded from Debian (package installation-guide-amd64), and never become a part of this project."""
import html
import json
import re
import subprocess

from harness import Failure

PACKAGE = "installation-guide-amd64"
FEWEST_WORDS = 40  # shorter pages are tables of contents


def make(folder):
    """Returns the names of the two files. They stay for the next run."""
    corpus, links = folder / "corpus.ndjson", folder / "links.ndjson"
    if links.exists():
        return corpus, links
    folder.mkdir(parents=True, exist_ok=True)
    for command in (["apt-get", "-q", "download", PACKAGE], ["sh", "-c", "dpkg -x ./*.deb ."]):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"{' '.join(command)}: {done.stderr.strip()}")
    pages = read_pages(folder / "usr/share/doc" / PACKAGE)
    with open(corpus, "w", encoding="utf-8") as out:
        for page in pages:
            out.write(json.dumps(page["article"], ensure_ascii=False) + "\n")
    with open(links, "w", encoding="utf-8") as out:
        for number, page in enumerate(pages, 1):
            same = [other for other, p in enumerate(pages, 1) if p["chapter"] == page["chapter"] and other != number]
            if same:
                out.write(json.dumps({"id": number, "links": same}) + "\n")
    return corpus, links


def read_pages(folder):
    pages = []
    for language in sorted(p for p in folder.iterdir() if p.is_dir()):
        for page in sorted(language.glob("*s*.html")):
            text = page.read_text(encoding="utf-8")
            title = plain(re.search(r"<title>(.*?)</title>", text, re.DOTALL).group(1))
            body = plain(re.sub(r"(?s)<head>.*?</head>|<div class=\"nav(header|footer)\">.*?</table>", " ", text))
            if len(body.split()) < FEWEST_WORDS and not re.match("ja|zh", language.name):
                continue
            chapter = re.match(r"[a-z]+[0-9a-z]*?(?=s[0-9])", page.stem)
            pages.append({"chapter": (language.name, chapter.group(0) if chapter else page.stem), "article": {
                "slug": f"{language.name}-{page.stem}".lower().replace("_", "-"), "title": title[:1000], "body": body,
                "section": language.name, "written_in": re.sub("_.*", "", language.name), "authors": [], "tags": [],
                "published_at": "2023-05-08T00:00:00Z"}})
    return pages


def plain(text):
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", text))).strip()
