export const id = 70;
export const ids = [70];
export const modules = {

/***/ 6070:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   pathMatcher: () => (/* binding */ a)
/* harmony export */ });
/* harmony import */ var _esm_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(216);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(9308);
const r={dot:!0,nobrace:!0,nocomment:!0,noext:!0,nonegate:!0},i={...r,nocase:!0,windowsPathsNoEscape:!0};function a(e,t=process.platform===`win32`){let n=e.every(e=>e.startsWith(`!`)),r=e.map(e=>o(e,t));return e=>{let t=r.findLast(({matches:t})=>t(e));return t===void 0?n:!t.isExcluding}}function o(a,o){let s=a.startsWith(`!`),c=o?/^(\.[\\/])+(?=.)/:/^(\.\/)+(?=.)/,l=a.slice(+!!s).replace(c,``),u=l.split(o?/[\\/]+/:/\/+/);if(u.includes(`.`)||u.includes(`..`))throw new _errors_js__WEBPACK_IMPORTED_MODULE_1__.n(`files has the pattern '${(0,_errors_js__WEBPACK_IMPORTED_MODULE_1__.c)(a)}': leave out its '.' and '..' segments`);let d=new _esm_js__WEBPACK_IMPORTED_MODULE_0__.t(l,o?i:r),f=u.at(-1)===`**`?`/`:``;return{isExcluding:s,matches:e=>d.match(e+f)}}

/***/ })

};
