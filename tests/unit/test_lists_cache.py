"""List options and the cache of compiled lists."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from txpipe.errors import ListFault, SinkFailed, UsageFault
from txpipe.lists import cache
from txpipe.lists.cache import compile_lists, default_cache, open_lists
from txpipe.lists.option import ListChoice, default_allow, list_name, parse_list
from txpipe.lists.reading import ListSpec

A = "0x" + "a1" * 20
B = "0x" + "b2" * 20
C = "0x" + "c3" * 20


class Lists:
    """A folder of lists and what was said about them."""

    def __init__(self, folder):
        self.folder = folder
        self.cache = folder / "cache"
        self.said = []

    def write(self, name, *lines):
        path = self.folder / name
        path.write_text("\n".join(lines) + "\n")
        return str(path)

    def open(self, *texts, **options):
        options = {"cache_dir": self.cache} | options
        return open_lists([parse_list(text) for text in texts], say=self.said.append, **options)

    def cached(self):
        return sorted(self.cache.glob("*.txindex"))


@pytest.fixture
def lists(tmp_path):
    return Lists(tmp_path)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("lists/some.csv.bz2", ListSpec("lists/some.csv.bz2", "some")),
        ("sdn_advanced.xml", ListSpec("sdn_advanced.xml", "sdn_advanced")),
        ("a.b/c.d-e.2024", ListSpec("a.b/c.d-e.2024", "c.d-e.2024")),
        ("name=ofac:f.txt", ListSpec("f.txt", "ofac", renamed=True)),
        ("category=Hack,date=20250102:f", ListSpec("f", "f", "theft", "2025-01-02")),
        ("date=undated:a:b=c", ListSpec("a:b=c", "a:b=c", date="undated")),
        ("./name=x:f", ListSpec("./name=x:f", "name=x:f")),
        ("C:/x", ListSpec("C:/x", "x")),
        ("-", ListSpec("-", "stdin")),
        (".txt", ListSpec(".txt", ".txt")),
    ],
)
def test_list_option(text, spec):
    """A file, or settings, a colon and a file."""
    assert spec == parse_list(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nmae=x:f", "none of name=, category=, date=|is none of"),
        ("name=x,name=y:f", "is none of"),
        ("name=:f", "says nothing"),
        ("category=sanctins:f", r'category "sanctins" is unknown; did you mean sanctions\?'),
        ("category=Ransomwear:f", r"did you mean ransomware\?"),
        ("date=soon:f", "no day"),
        ("date=2025-02-30:f", "no day"),
        ("", "names no file"),
    ],
)
def test_list_option_faults(text, reason):
    with pytest.raises(ValueError, match=reason):
        parse_list(text)


def test_names_lose_their_extensions():
    assert [list_name(path) for path in ("d/x.JSON.gz", "x.y.txindex", "-")] == ["x", "x.y", "stdin"]


def test_compiled_once(lists):
    """The second time the index comes from the cache; other content or settings make another one."""
    path = lists.write("some.txt", A)
    first = lists.open(path)
    assert lists.open(path).path == first.path
    assert len(lists.cached()) == 1
    lists.open(f"name=other:{path}")
    lists.write("some.txt", A, B)
    assert lists.open(path).find(B)
    assert len(lists.cached()) == 3


def test_several_lists_are_one_index(lists):
    """Text and compiled lists merge; entries keep their list's name."""
    compile_lists(
        [parse_list(lists.write("one.txt", A))], lists.folder / "one.txindex", say=lists.said.append
    )
    index = lists.open(
        str(lists.folder / "one.txindex"), lists.write("two.csv", "wallet,label", f"{A},x", f"{B},")
    )
    assert [entry.list for entry in index.find(A)] == ["one", "two"]
    assert [entry.list for entry in index.find(B)] == ["two"]


def test_a_compiled_index_is_opened_as_it_is(lists):
    path = lists.folder / "one.txindex"
    compile_lists([parse_list(lists.write("one.txt", A))], path, say=lists.said.append)
    assert str(path) == lists.open(str(path)).path
    assert lists.cached() == []
    with pytest.raises(UsageFault, match="keeps the names"):
        lists.open(f"category=theft:{path}")


def test_no_lists_at_all(lists):
    assert lists.open().find(A) == ()


def test_a_damaged_cache_is_made_again(lists):
    """Whatever happened to the cached file, the answer is right."""
    path = lists.write("some.txt", "# category: scam", A)
    lists.open(path)
    (cached,) = lists.cached()
    for damage in (b"", b"junk", cached.read_bytes()[:-1], cached.read_bytes()[:300] + bytes(9)):
        cached.write_bytes(damage)
        assert lists.open(path).find(A)
        assert lists.said == []


@pytest.mark.parametrize("place", ["/dev/null/cache", "file"])
def test_without_a_cache_the_work_goes_on(lists, place):
    """A cache that cannot be written costs one notice and the time to compile."""
    (lists.folder / "file").write_text("")
    path = lists.write("some.txt", "# category: scam", A)
    index = lists.open(path, cache_dir=lists.folder / place)
    assert index.find(A)
    assert len(lists.said) == 1
    assert "compiling for this run only" in lists.said[0]


def test_a_cache_that_others_write_is_not_used(lists, monkeypatch):
    """A cached file is taken for what its name says, so nobody else may put one there."""
    path = lists.write("some.txt", "# category: scam", A)
    lists.open(path)
    assert lists.said == []
    lists.cache.chmod(0o777)
    assert lists.open(path).find(A)
    lists.cache.chmod(0o700)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert lists.open(path).find(A)
    notice = f"{lists.cache}: cannot keep compiled lists: %s; compiling for this run only"
    assert lists.said == [notice % "others may write there", notice % "is another user's"]


def test_cache_folder_follows_the_environment(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/some/where")
    assert Path("/some/where/txpipe") == default_cache()
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", "/some/home")
    assert Path("/some/home/.cache/txpipe") == default_cache()


def test_old_files_leave_the_cache(lists, monkeypatch):
    """The files used last stay, leftovers of killed processes go after a day."""
    monkeypatch.setattr(cache, "_KEPT_FILES", 3)
    for number in range(5):
        lists.open(lists.write(f"{number}.txt", A))
        for age, path in enumerate(
            sorted(lists.cached(), key=lambda path: path.stat().st_mtime, reverse=True)
        ):
            os.utime(path, times=(0, 1_000_000 - age))
    leftover = lists.cache / ".x.txindex.abc"
    leftover.write_text("")
    os.utime(leftover, times=(0, time.time() - 2 * 24 * 3600))
    lists.open(lists.write("6.txt", A))
    assert len(lists.cached()) == 3
    assert not leftover.exists()


def test_two_at_once(lists):
    """Processes that compile the same list at the same time do not disturb each other."""
    path = lists.write("some.txt", *(f"0x{n:040x}" for n in range(5000)))
    found = []
    work = [threading.Thread(target=lambda: found.append(lists.open(path).addresses)) for _ in range(6)]
    for each in work:
        each.start()
    for each in work:
        each.join()
    assert found == [5000] * 6
    assert len(lists.cached()) == 1


def test_bad_lists(lists):
    """A list without an entry is a fault of usage, or skipped on demand; the others are used."""
    good, bad = lists.write("good.txt", "# category: scam", A), lists.write("bad.txt", "junk")
    with pytest.raises(ListFault, match=r"bad\.txt: has no usable entry") as caught:
        lists.open(good, bad)
    assert caught.value.status == 2
    lists.said.clear()
    index = lists.open(good, bad, str(lists.folder / "absent"), skip_bad=True)
    assert index.find(A)
    wanted = ("absent: cannot be opened", "bad.txt:1:", "bad.txt: has no usable entry; list skipped")
    assert len(wanted) == len(lists.said)
    assert all(part in message for part, message in zip(wanted, lists.said, strict=True))


def test_no_list_left(lists):
    """Skipping every list is not the same as asking for none."""
    bad = [lists.write("bad.txt", "junk"), str(lists.folder / "absent")]
    for given in (bad, bad[:1], bad[1:]):
        with pytest.raises(ListFault, match="--skip-bad-lists: no list is left"):
            lists.open(*given, skip_bad=True)


def test_bad_rows_are_counted_in_the_index(lists):
    """The number of bad rows outlives the cache, also through a merge with a compiled list."""
    path = lists.write("some.txt", A, "junk", "junk")
    assert [lists.open(path).bad_rows for _ in range(2)] == [2, 2]
    compiled = lists.folder / "some.txindex"
    compile_lists([parse_list(path)], compiled, say=lists.said.append)
    assert lists.open(str(compiled), lists.write("other.txt", B, "junk")).bad_rows == 3


def test_skipped_rows_are_told_from_the_cache(lists):
    """What was skipped when a list was compiled is not forgotten when it comes from the cache."""
    two = lists.write("two.txt", "# category: scam", A, "junk", "junk")
    lists.open(two)
    assert len(lists.said) == 2
    lists.said.clear()
    lists.open(two)
    assert lists.said == ["2 rows of the lists were no entries; txlist compile shows them"]
    one = lists.write("one.txt", "# category: scam", A, "junk")
    lists.open(one)
    lists.open(one)
    assert lists.said[-1] == "1 row of the lists was no entry; txlist compile shows them"


def test_assumed_category_is_told_once(lists):
    """Where neither option nor file gives a category, compiling says so; the cache and allow-lists do not."""
    path = lists.write("some.txt", A)
    message = f"{path}: no category given, taken as scam; say category=…,date=…:{path}"
    lists.open(path)
    lists.open(path)
    assert lists.said == [message]
    lists.open(f"category=theft:{path}")
    lists.open(lists.write("table.csv", "address,category", f"{A},", f"{B},theft"))
    open_lists([parse_list(path, "allow")], say=lists.said.append, cache_dir=lists.cache)
    assert lists.said == [message]


def test_unknown_category_is_told(lists):
    """A category of the user's own is kept and said; one of an allow-list may be any."""
    path = lists.write("some.txt", A)
    index = lists.open(f"category=mining:{path}", f"category=mining,name=again:{path}")
    assert [entry.category for entry in index.find(A)] == ["mining", "mining"]
    known = "sanctions, terrorism, ransomware, theft, phishing, mixer, darknet, scam"
    assert lists.said == [f'category "mining" counts as scam; known ones are {known}']
    open_lists([parse_list(f"category=router:{path}", "allow")], say=lists.said.append, cache_dir=lists.cache)
    assert len(lists.said) == 1


def test_compile_refuses_before_reading(lists):
    """A target that is no file is refused even where the lists are bad."""
    absent = [parse_list(str(lists.folder / "absent"))]
    with pytest.raises(SinkFailed, match="is no regular file; name one"):
        compile_lists(absent, lists.folder, say=lists.said.append)


def test_lists_from_a_pipe(lists):
    """What can be read only once is a list like another."""
    read, write = os.pipe()
    os.write(write, f"{A}\n".encode())
    os.close(write)
    assert lists.open(f"name=piped:/dev/fd/{read}").find(A)
    os.close(read)


def test_choice_opens_both_kinds(lists):
    """Blocklists and allow-lists are two indexes; None where there are none."""
    block, allow = ListChoice((), (default_allow(),)).open(lists.said.append)
    assert block is None
    assert allow.find("0xdac17f958d2ee523a2206206994597c13d831ec7")[0].list == "txpipe-allow"
    assert lists.said == []


def test_opening_imports_no_numpy(lists):
    """A compiled list opens without what compiling needs: start-up stays short."""
    path = lists.folder / "one.txindex"
    compile_lists([parse_list(lists.write("one.txt", A))], path, say=lists.said.append)
    code = (
        "import sys; from txpipe.lists.index import Index; "
        f"Index({str(path)!r}).find({A!r}); sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
