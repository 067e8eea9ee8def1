"""The service's history: mails replayed into a git repository, and its revisions built."""

import datetime
import email
import email.policy
import email.utils
import os
import re
import shutil
import subprocess

from .case import HERE, SERVICE, UTC

HISTORY = HERE / "history"


def git(folder, *arguments, env=None, text=None):
    """Runs git with nothing of this machine's configuration, so that the hashes are the same anywhere."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    clean.update(
        GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_SYSTEM=os.devnull, GIT_CONFIG_NOSYSTEM="1", LC_ALL="C", TZ="UTC"
    )
    clean.update(env or {})
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=clean, input=text, capture_output=True, text=True, encoding="utf-8"
    )
    if done.returncode:
        raise SystemExit(f"record: git {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def read_mail(path):
    """The mail's text, its headers, the hash in its first line, and who committed it when."""
    text = path.read_text(encoding="utf-8")
    first, rest = text.split("\n", 1)
    mail = email.message_from_string(rest, policy=email.policy.default.clone(utf8=True))
    name, address = email.utils.parseaddr(mail["X-Committer"])
    committer = {
        "GIT_COMMITTER_NAME": name,
        "GIT_COMMITTER_EMAIL": address,
        "GIT_COMMITTER_DATE": mail["X-Commit-Date"],
    }
    return text, mail, first.split(" ")[1], committer


def build_history(folder):
    """Replays history/series into a new repository and holds each commit to the hash in its mail."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main", "--object-format=sha1")
    hashes = {}
    for line in (HISTORY / "series").read_text().splitlines():
        words = line.split(" ")
        if not line or line.startswith("#"):
            continue
        if words[0] == "branch":
            git(folder, "checkout", "--quiet", "-b", words[1])
            continue
        if words[0] == "checkout":
            git(folder, "checkout", "--quiet", words[1])
            continue
        file = words[-1]
        text, mail, expected, committer = read_mail(HISTORY / file)
        if words[0] == "merge":
            # A merge has no patch: it is the clean merge of both sides, with the mail's people and dates.
            name, address = email.utils.parseaddr(mail["From"])
            author = {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": address, "GIT_AUTHOR_DATE": mail["Date"]}
            message = re.sub(r"^\[PATCH\] ", "", mail["Subject"]) + "\n"
            tree = git(folder, "merge-tree", "--write-tree", "HEAD", words[1])
            made = git(
                folder, "commit-tree", tree, "-p", "HEAD", "-p", words[1], env={**committer, **author}, text=message
            )
            git(folder, "reset", "--quiet", "--hard", made)
            git(folder, "branch", "--quiet", "-D", words[1])
        else:
            git(folder, "am", "--quiet", "--no-gpg-sign", "--keep-cr", env=committer, text=text)
            made = git(folder, "rev-parse", "HEAD")
        if made != expected:
            raise SystemExit(f"record: {file} became {made}, not {expected}: was it edited?")
        hashes[file] = made
    return hashes


def deployments(folder):
    """(time, hash) of what landed on main, oldest first: a merge lands when it is committed."""
    lines = git(folder, "log", "--first-parent", "--reverse", "--format=%ct %H", "main").splitlines()
    return [(datetime.datetime.fromtimestamp(int(line.split()[0]), UTC), line.split()[1]) for line in lines]


def write_bundle(repository, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    git(repository, "-c", "pack.threads=1", "bundle", "create", "--quiet", str(path.resolve()), "main", "HEAD")


class Revisions:
    """Builds each revision once, and keeps its binary."""

    def __init__(self, repository, work):
        self.work = work
        self.tree = work / "tree"
        self.binaries = work / "bin"
        self.binaries.mkdir(exist_ok=True)
        git(repository, "worktree", "add", "--quiet", "--detach", str(self.tree), "main")

    def binary(self, revision):
        kept = self.binaries / revision
        if not kept.exists():
            git(self.tree, "checkout", "--quiet", "--detach", revision)
            env = {**os.environ, "CARGO_TARGET_DIR": str(self.work / "target")}
            env.pop("RUSTFLAGS", None)
            command = ["cargo", "build", "--quiet", "--release", "--offline", "--locked"]
            subprocess.run(command, cwd=self.tree, env=env, check=True)
            shutil.copy2(self.work / "target" / "release" / SERVICE, kept)
        return kept
