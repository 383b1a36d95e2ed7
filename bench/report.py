"""bench/report.py - writes bench/REPORT.md from the figures that the parts have written to bench/results/."""
import re
import subprocess
import typing

import harness

HEAD = """# Measurements

This report answers five questions. What are the gain and the cost of answering `GET /articles/:id` asynchronously? How long does it take
to fetch the weather of many cities one after the other, and at once? How fast are other programs that do the same? How much of the speed
remains when the archive grows? How many requests does the cache answer? `./dev bench` measures, and writes this report from the figures
in [results/](results/). `bench/run report` only writes it again.
"""


def write(parts):
    sections = []
    for part in parts:
        try:
            sections.append(part.report()[0])
        except harness.NotMeasured as missing:
            harness.note(f"left out of the report: {missing}")
    hazards = (harness.BENCH / "hazards.md").read_text().strip()
    code = "".join(p.read_text() for folder in ("db", "handlers", "server", "tests") for p in (harness.ROOT / folder).rglob("*.[ch]"))
    for name in re.findall(r"`([a-z0-9]+(?:_[a-z0-9]+){3,})`", hazards):
        if name not in code:
            harness.note(f"bench/hazards.md names {name}, but neither the code nor the tests have it")
    text = "\n\n".join([HEAD.strip(), *sections, hazards]) + "\n"
    (harness.BENCH / "REPORT.md").write_text(text)
    harness.note("bench/REPORT.md is written")


# ---- words and tables

def number(x):
    """Three significant digits: 0.123, 1.23, 12.3, 123, 1,234."""
    if x is None:
        return "-"
    if isinstance(x, int) or abs(x) >= 100:
        return f"{x:,.0f}"
    if x == 0:
        return "0"
    digits = 1 if abs(x) >= 10 else 2 if abs(x) >= 1 else 3 if abs(x) >= 0.1 else 4
    return f"{x:.{digits}f}"


def in_words(n):
    words = "no one two three four five six seven eight nine ten eleven twelve".split()
    return words[n] if n < len(words) else f"{n:,}"


def count(n, thing):
    return f"{in_words(n)} {thing}{'s' * (n != 1)}"


def table(heads, rows):
    """Aligns words to the left and numbers to the right."""
    sides = ["---|" if any(cell.lstrip("*")[:1].isalpha() for cell in column) else "---:|" for column in zip(*rows)]
    lines = ["| " + " | ".join(heads) + " |", "|" + "".join(sides or ["---|"] * len(heads))]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


# ---- plots

class Panel(typing.NamedTuple):
    title: str
    lines: dict  # name: [(x, y)]; first the reference (before, yardstick), second Broadsheet


STYLES = ["lt 1 lc rgb '#c2571a' lw 2 dt (8,4) pt 5 ps 0.9", "lt 1 lc rgb '#1a5fb4' lw 2.5 pt 7 ps 1",
          "lt 1 lc rgb '#26803c' lw 1.5 pt 9 ps 0.9", "lt 1 lc rgb '#8a3ffc' lw 1.5 pt 11 ps 0.9",
          "lt 1 lc rgb '#007d8a' lw 1.5 pt 13 ps 0.9", "lt 1 lc rgb '#9f1853' lw 1.5 pt 3 ps 0.9"]


def plot(name, panels, x_label, y_label, key):
    """Writes results/NAME.svg: the panels in two columns, with the same logarithmic axes. key: the corner of the names of the
    lines, or "beside": the place that an odd number of panels leaves free."""
    ys = [y for panel in panels for line in panel.lines.values() for _, y in line if y]
    xs = [x for panel in panels for line in panel.lines.values() for x, _ in line]
    low, high = 10 ** _power(min(ys), down=True), 10 ** _power(max(ys), down=False)
    rows = (len(panels) + 1) // 2
    x_ticks = ", ".join(f"'{x:,}' {x}" for x in sorted(set(xs)))
    y_ticks = ", ".join(f"'{10 ** p:,}' 1e{p}" for p in range(_power(low, True), _power(high, True) + 1))
    script = [
        f"set terminal svg size 960,{60 + 330 * rows} font 'Helvetica,14' background rgb 'white'",
        f"set output '{harness.RESULTS / name}.svg'",
        f"set multiplot layout {rows},2 margins 0.105,0.98,{0.11 / rows * 1.4:.3f},{1 - 0.09 / rows:.3f} spacing 0.115,{0.26 / rows:.3f}",
        "set logscale xy", f"set xrange [{min(xs) * 0.8}:{max(xs) * 1.25}]", f"set yrange [{low * 0.999}:{high}]",
        f"set xtics ({x_ticks})", f"set ytics ({y_ticks})", "unset mxtics",
        "set grid xtics ytics lc rgb '#d0d0d0' lt 1 lw 0.6", "set border 3 lc rgb '#404040'",
        "set tics nomirror textcolor rgb '#202020'", "unset key" if key == "beside" else f"set key {key} reverse Left samplen 3",
        f"set xlabel '{x_label}' offset 0,0.4", f"set ylabel '{y_label}' offset 0.5,0"]
    for panel in panels:
        script.append(f"set title '{panel.title}' offset 0,-0.5")
        script.append("plot " + ", ".join(
            f"'-' using 1:2 with linespoints {style} title '{title}'" for title, style in zip(panel.lines, STYLES)))
        for line in panel.lines.values():
            script += [f"{x} {y}" for x, y in line if y] + ["e"]
    if key == "beside":
        script += ["unset border", "unset tics", "unset xlabel", "unset ylabel", "unset title", "set key center center reverse Left samplen 3",
                   "plot " + ", ".join(f"NaN with linespoints {style} title '{title}'" for title, style in zip(panels[0].lines, STYLES))]
    script.append("unset multiplot")
    p = subprocess.run(["gnuplot"], input="\n".join(script) + "\n", text=True, stderr=subprocess.PIPE, check=False,
                       env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"})
    if p.returncode != 0:
        raise harness.Failure(f"gnuplot failed:\n{p.stderr.strip()}")


def _power(x, down):
    power = 0
    while 10 ** power < x:
        power += 1
    while 10 ** power > x:
        power -= 1
    return power if down or 10 ** power == x else power + 1
