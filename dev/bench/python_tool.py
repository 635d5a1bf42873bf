"""A check that misses, by the Python tool that this project descends from, reduced to its boto3 calls.

Configured by the tool's environment variables. Contains only steps that take time: no outputs, roles or error handling.
If it is unknown how the tool does something, it uses the faster way.
"""
import glob
import hashlib
import os
import subprocess

import boto3

BUCKET = os.environ["PACKAGE_ASSETS_BUCKET"]
REPOSITORY = os.environ["GIT_REPO_PATH"]
PACKAGES = os.environ["PACKAGE_DIRECTORY"]
FILTER = os.environ["CODE_HASH_FIND_FILTER"]


def check():
    s3 = boto3.client("s3")
    os.makedirs(PACKAGES, exist_ok=True)
    commit = git("rev-parse", "HEAD")
    write(".commit-hash", commit)
    expect_nothing(s3, f"artifacts/{commit}")
    code_hash = md5_of_sources()
    write(".code-hash", code_hash)
    expect_nothing(s3, f"cache/{code_hash}/")


def expect_nothing(s3, prefix):
    if s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents"):
        raise SystemExit(f"there is something under {prefix}")


def md5_of_sources():
    digest = hashlib.md5()
    for pattern in FILTER.split(" "):
        for path in sorted(glob.glob(os.path.join(REPOSITORY, pattern), recursive=True)):
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    digest.update(file.read())
    return digest.hexdigest()


def git(*args):
    return subprocess.run(["git", "-C", REPOSITORY, *args], check=True, capture_output=True, text=True).stdout.strip()


def write(marker, text):
    with open(os.path.join(PACKAGES, marker), "w", encoding="utf-8") as file:
        file.write(text)


check()
