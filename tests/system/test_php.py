"""What the pages have a PHP site write does what they say."""

import re
import subprocess
from pathlib import Path

from joserfc.jwk import ECKey

from tests.docs.test_sign_in import check_token
from tests.serving import serving
from tests.waiting import WAIT_SECONDS

DOCS = Path(__file__).parents[2] / "docs"
PHP = ["php", "-d", "error_reporting=-1", "-d", "display_errors=stderr"]


def php(page: str, folder: Path, *, before: str = "", after: str) -> str:
    """What the page's program prints, with lines of ours around it."""
    (program,) = re.findall(r"```php\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    return subprocess.run(
        PHP,
        input=f"<?php {before}\n{program}\n{after}",
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=WAIT_SECONDS,
    ).stdout


def test_a_message_with_empty_objects_is_got_changed_and_put_back(tmp_path: Path) -> None:
    body = {"content": "hi", "arguments": {}, "parts": []}
    with serving(tmp_path) as served, served.client() as client:
        session = client.post("/sessions", json={}).json()["id"]
        path = f"/sessions/{session}/messages/ext:m"
        answer = client.put(path, json={"role": "tool", "body": body}).text
        (tmp_path / "answer").write_text(answer)
        request = php(
            "clients.md",
            tmp_path,
            before="$answer = file_get_contents('answer');",
            after="echo $request;",
        )
        put = client.put(path, content=request, headers={"Content-Type": "application/json"})
        assert put.json()["body"] == body
        assert put.json()["metadata"] == {"tags": {}}


def test_a_back_end_makes_tokens(tmp_path: Path) -> None:
    """Many: a number of a signature may begin with zeros, or be written with one more."""
    key = ECKey.generate_key("P-256")
    (tmp_path / "back-end.key").write_bytes(key.as_pem(private=True))
    loop = "for ($made = 0; $made < 600; $made++) echo token_for('alice'), PHP_EOL;"
    tokens = php("sign-in.md", tmp_path, after=loop).splitlines()
    assert len(tokens) == 600
    for token in tokens:
        check_token(token, key)
