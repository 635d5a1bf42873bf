export const id = 614;
export const ids = [614];
export const modules = {

/***/ 9614:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   getProxyForUrl: () => (/* binding */ n)
/* harmony export */ });
var e={ftp:21,gopher:70,http:80,https:443,ws:80,wss:443};function t(e){try{return new URL(e)}catch{return null}}function n(n){var a=(typeof n==`string`?t(n):n)||{},o=a.protocol,s=a.host,c=a.port;if(typeof s!=`string`||!s||typeof o!=`string`||(o=o.split(`:`,1)[0],s=s.replace(/:\d*$/,``),c=parseInt(c)||e[o]||0,!r(s,c)))return``;var l=i(o+`_proxy`)||i(`all_proxy`);return l&&l.indexOf(`://`)===-1&&(l=o+`://`+l),l}function r(e,t){var n=i(`no_proxy`).toLowerCase();return!n||n!==`*`&&n.split(/[,\s]/).every(function(n){if(!n)return!0;var r=n.match(/^(.+):(\d+)$/),i=r?r[1]:n,a=r?parseInt(r[2]):0;return a&&a!==t?!0:/^[.*]/.test(i)?(i.charAt(0)===`*`&&(i=i.slice(1)),!e.endsWith(i)):e!==i})}function i(e){return process.env[e.toLowerCase()]||process.env[e.toUpperCase()]||``}

/***/ })

};
