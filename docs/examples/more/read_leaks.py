"""Run some tests, and print two lines on each of their leaks from the file of --leakcheck-json."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

with tempfile.TemporaryDirectory() as folder:
    file = Path(folder, "leaks.json")
    command = [sys.executable, "-m", "pytest", f"--leakcheck-json={file}", *sys.argv[1:]]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=False)  # noqa: S603 - the tests of whoever calls
    document = json.loads(file.read_text("utf-8"))

assert document["version"] == 1
for leak in document["leaks"]:
    test = leak["tests"][0]
    survivor = test["survivors"][0]
    print(f"{survivor['file']}:{survivor['line']}: {survivor['type']} outlives {test['id']}")
    print(f"  held by {leak['holder']}")
