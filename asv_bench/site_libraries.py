"""asv's pages take their libraries from other servers. This fetches them, by npm, into the folder of the pages."""

import io
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

# What stands in index.html: (npm package, file in it).
LIBRARIES = {
    "jquery-3.3.1.min.js": ("jquery@3.3.1", "dist/jquery.min.js"),
    "jquery.flot.min.js": ("flot@0.8.3", "jquery.flot.js"),
    "jquery.flot.time.min.js": ("flot@0.8.3", "jquery.flot.time.js"),
    "jquery.flot.selection.min.js": ("flot@0.8.3", "jquery.flot.selection.js"),
    "jquery.flot.categories.min.js": ("flot@0.8.3", "jquery.flot.categories.js"),
    "jquery.flot.orderBars.js": ("flot-orderbars@1.0.0", "js/jquery.flot.orderBars.js"),
    "stupidtable.min.js": ("stupid-table-plugin@1.1.3", "stupidtable.min.js"),
    "md5.min.js": ("blueimp-md5@2.19.0", "js/md5.min.js"),
    "bootstrap.min.js": ("bootstrap@3.1.1", "dist/js/bootstrap.min.js"),
    "bootstrap.min.css": ("bootstrap@3.1.1", "dist/css/bootstrap.min.css"),
}
REMOTE = re.compile(r'(src|href)="https://[^"]*/([^"/]+\.(?:js|css))"( (?:integrity|crossorigin|referrerpolicy)="[^"]*")*')


def make_local(folder):
    """Put the libraries beside the pages and have the pages use them."""
    index = folder / "index.html"
    text = index.read_text(encoding="utf-8")
    wanted = {match[2] for match in REMOTE.finditer(text)}
    unknown = wanted - set(LIBRARIES)
    if unknown:
        raise SystemExit(f"this asv's pages use {', '.join(sorted(unknown))}: add them to {Path(__file__).name}")
    (folder / "libraries").mkdir(exist_ok=True)
    for package in {LIBRARIES[name][0] for name in wanted}:
        files = {name: path for name, (of, path) in LIBRARIES.items() if of == package}
        for name, content in _fetch(package, files):
            (folder / "libraries" / name).write_bytes(content)
    index.write_text(REMOTE.sub(r'\1="libraries/\2"', text), encoding="utf-8")


def _fetch(package, files):
    """(name, content) of files of an npm package."""
    with tempfile.TemporaryDirectory() as place:
        try:
            subprocess.run(["npm", "pack", "--silent", package], cwd=place, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise SystemExit(f"npm could not fetch {package} ({error}); without --local the pages need a network") from error
        archive = next(Path(place).iterdir()).read_bytes()
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return [(name, tar.extractfile(f"package/{path}").read()) for name, path in files.items()]
