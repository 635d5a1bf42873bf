"""The Python tool that this project descends from, told again as the calls of boto3 that it makes, one at a time.

python_tool.py check|upload, configured by the tool's environment variables. Only what takes time is told: no outputs,
no roles, no error handling. Where it is not known how the tool does something, the faster way is taken.
"""
import base64
import glob
import hashlib
import os
import subprocess
import sys

import boto3

BUCKET = os.environ["PACKAGE_ASSETS_BUCKET"]
REPOSITORY = os.environ["GIT_REPO_PATH"]
PACKAGES = os.environ["PACKAGE_DIRECTORY"]
FILTER = os.environ.get("CODE_HASH_FIND_FILTER")


def main():
    s3 = boto3.client("s3")
    os.makedirs(PACKAGES, exist_ok=True)
    {"check": check, "upload": upload}[sys.argv[1]](s3)


def check(s3):
    commit = git("rev-parse", "HEAD")
    write(".commit-hash", commit)
    if find(s3, f"artifacts/{commit}"):
        return write(".found", "")
    if FILTER is None:
        return None
    code_hash = md5_of_sources()
    write(".code-hash", code_hash)
    cached = find(s3, f"cache/{code_hash}/")
    for key in cached:
        copy(s3, key, f"artifacts/{commit}/{os.path.basename(key)}")
    return write(".found", "") if cached else None


def upload(s3):
    commit, code_hash = read(".commit-hash"), read(".code-hash")
    names = sorted(name for name in os.listdir(PACKAGES) if not name.startswith("."))
    for name in names:
        put(s3, name, commit, code_hash)
    if code_hash is None:
        return
    for name in names:
        s3.copy_object(
            Bucket=BUCKET,
            Key=f"cache/{code_hash}/{name}",
            CopySource={"Bucket": BUCKET, "Key": f"artifacts/{commit}/{name}"},
        )


def put(s3, name, commit, code_hash):
    path = os.path.join(PACKAGES, name)
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).digest()
    metadata = {"commit-hash": commit, "package-hash": base64.b64encode(digest).decode()}
    if code_hash is not None:
        metadata["code-hash"] = code_hash
    s3.upload_file(path, BUCKET, f"artifacts/{commit}/{name}", ExtraArgs={"Metadata": metadata})


def copy(s3, source, target):
    metadata = s3.head_object(Bucket=BUCKET, Key=source)["Metadata"]
    s3.copy_object(Bucket=BUCKET, Key=target, CopySource={"Bucket": BUCKET, "Key": source}, Metadata=metadata)


def find(s3, prefix):
    reply = s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return [entry["Key"] for entry in reply.get("Contents", [])]


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


def read(marker):
    try:
        with open(os.path.join(PACKAGES, marker), encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def write(marker, text):
    with open(os.path.join(PACKAGES, marker), "w", encoding="utf-8") as file:
        file.write(text)


main()
