"""Take the pictures of the documentation from the product itself: docs/pictures/*.png.

    python tools/make_pictures.py [--out FOLDER]

A round is proposed from the bundled cities, a service is started with a store of its own, and a headless Chromium
walks through the workbench as a coordinator would. Needs Chromium (Debian: apt-get install chromium) and the extras
"web" and "dev".
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from browser_for_tests import running

WIDE, HIGH = 1200, 900
TABLE = """id,name,country,roles,population,needs,challenges
de-alta,Alta,DE,guest,fifty thousand,Heat networks for old towns.,energy_systems:3
fr-belle,Belle,FR,guest,80000,Trams and cycle lanes.,mobility_transport:3
"""


class Camera:
    """Takes pictures of a page into a folder."""

    def __init__(self, page: Any, folder: Path) -> None:
        self.page, self._folder = page, folder

    def take(self, name: str, of: str = "", high: int = HIGH) -> None:
        """Take the first ``high`` pixels of the page, or of what stands at a selector."""
        self.page.wait_for_load_state("networkidle")
        self.page.evaluate("document.activeElement.blur()")  # no frame around where one was
        place = self._folder / f"{name}.png"
        box = self.page.locator(of).first.bounding_box() if of else None
        top = 0.0 if box is None else self.page.evaluate("window.scrollY") + box["y"] - 12
        whole = self.page.evaluate("document.documentElement.scrollHeight")
        clip = {"x": 0, "y": top, "width": WIDE, "height": min(high, whole - top)}
        self.page.screenshot(path=place, full_page=True, clip=clip, animations="disabled")
        print(f"{place.name}: {place.stat().st_size / 1000:.0f} kB")


def report(camera: Camera, out: Path) -> None:
    """Take the first page of the report of a whole round."""
    command = [sys.executable, "-m", "twinmatch", "propose", "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    camera.page.goto((out / "report.html").as_uri())
    camera.take("report")


def cities(camera: Camera, service: str) -> None:
    """Take the list of cities, a city, and a pair."""
    for name, path in (
        ("cities", ""),
        ("city", "/be-leuven"),
        ("pair", "/be-leuven/with/it-milan"),
    ):
        camera.page.goto(f"{service}/workbench/cities{path}")
        camera.take(name)


def intake(camera: Camera, service: str, folder: Path) -> None:
    """Take an upload whose problem stands at its cell."""
    table = folder / "round.csv"
    table.write_text(TABLE, encoding="utf-8")
    page = camera.page
    page.goto(f"{service}/workbench/intake")
    page.get_by_label("A table of profiles").set_input_files(table)
    page.get_by_role("button", name="Hand in and check").click()
    page.locator(".marked.error").first.wait_for()
    camera.take("intake", high=560)


def proposal(camera: Camera, service: str) -> str:
    """Ask for a round of the service's own cities and return its address."""
    page = camera.page
    page.goto(f"{service}/workbench/proposals")
    page.get_by_label("Title").fill("Spring round")
    if page.locator("#upload").count():
        page.locator("#upload").select_option("")
    page.get_by_label("Twinning", exact=True).check()
    page.get_by_role("button", name="Propose").click()
    return made(page)


def made(page: Any) -> str:
    """Wait until a proposal stands there and return its address."""
    page.get_by_role("heading", name="At a glance").wait_for(timeout=120_000)
    address: str = page.url.partition("?")[0]
    return address


def decisions(camera: Camera, first: str) -> None:
    """Take the pairs, the map, another host, offers after a refusal, prices, and two versions side by side."""
    page = camera.page
    page.goto(f"{first}?tab=twinning")
    for k, kind in enumerate(("Accept", "Lock")):
        page.locator("#pairs tbody input").nth(k).check()
        page.get_by_role("button", name=kind, exact=True).click()
    camera.take("twinning")
    page.goto(f"{first}?tab=map")
    camera.take("map")
    page.goto(f"{first}?tab=twinning")
    page.locator("#pairs tbody th a").nth(2).click()
    page.locator("#new-host input").nth(2).check()
    page.locator("#price table, #price .edit + p + div p").first.wait_for()
    camera.take("why-not", "#edit", high=700)
    page.get_by_role("button", name=re.compile("^declines")).first.click()
    page.get_by_role("button", name="What can be offered instead?").click()
    page.locator("#repair section").first.wait_for(timeout=120_000)
    camera.take("repair", "section.notice.bad", high=800)
    page.goto(first)
    page.locator("summary", has_text="What the rules cost").click()
    page.get_by_role("button", name="Price every rule").click()
    page.get_by_role("columnheader", name="One more place is worth").wait_for(timeout=300_000)
    camera.take("prices", "#prices")
    page.get_by_role("button", name=re.compile("^Solve again")).click()
    made(page)
    page.get_by_role("link", name="Side by side").click()
    page.get_by_role("heading", name="Side by side").wait_for()
    camera.take("compare")


def main() -> None:
    """Take every picture."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures")
    asked = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("There is no Chromium here: apt-get install chromium")
    asked.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as player:
        folder = Path(name)
        browser = player.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        camera = Camera(browser.new_page(viewport={"width": WIDE, "height": HIGH}), asked.out)
        report(camera, folder / "round")
        with running(folder) as service:
            cities(camera, service)
            intake(camera, service, folder)
            decisions(camera, proposal(camera, service))
        browser.close()


if __name__ == "__main__":
    main()
