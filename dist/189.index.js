export const id = 189;
export const ids = [189];
export const modules = {

/***/ 9189:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   getDefaultRoleAssumer: () => (/* reexport safe */ _sts_js__WEBPACK_IMPORTED_MODULE_1__.t),
/* harmony export */   getDefaultRoleAssumerWithWebIdentity: () => (/* reexport safe */ _sts_js__WEBPACK_IMPORTED_MODULE_1__.n)
/* harmony export */ });
/* harmony import */ var _Sha256Node_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(8756);
/* harmony import */ var _sts_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(3555);


/***/ })

};
