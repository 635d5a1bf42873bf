# check, upload and restore for systems whose jobs run in containers. Without an entry point, since GitLab and Concourse start a shell.
FROM node:24-alpine@sha256:d32cdf619f63fe0471182d08996dd516c6275bb5fd31ae06e55a570bd9e1ad43

LABEL org.opencontainers.image.title="S3 Asset Manager" \
      org.opencontainers.image.licenses="MIT"

COPY dist /opt/s3-asset-manager

RUN apk add --no-cache git=~2 && \
    ln -s /opt/s3-asset-manager/cli.js /usr/local/bin/s3-asset-manager && \
    for command in check upload restore; do \
      printf '#!/bin/sh\nexec s3-asset-manager %s "$@"\n' "$command" >"/usr/local/bin/$command" && \
      chmod 755 "/usr/local/bin/$command" || exit 1; \
    done

# Where the tool that this one descends from looks.
ENV GIT_REPO_PATH=./repo \
    PACKAGE_DIRECTORY=./packages

ENTRYPOINT []
CMD ["sh"]
