'use strict';
var parts = process.versions.node.split('.');
if (+parts[0] > 22 || (+parts[0] === 22 && +parts[1] >= 12)) {
  require('./program.js').action();
} else {
  console.error('This is Node ' + process.versions.node + ', and s3-asset-manager needs 22.12 or newer: install a newer Node');
  process.exitCode = 1;
}
