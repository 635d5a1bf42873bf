#!/usr/bin/env sh
':' //; exec node -- "$0" "$@"
'use strict';
var parts = process.versions.node.split('.');
if (+parts[0] > 22 || (+parts[0] === 22 && +parts[1] >= 12)) {
  require('./program.js').cli();
} else {
  console.error('This is Node ' + process.versions.node + ', and s3-asset-manager needs 22.12 or newer: install a newer Node');
  process.exitCode = 1;
}
