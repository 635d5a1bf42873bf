export const id = 554;
export const ids = [554];
export const modules = {

/***/ 6784:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   n: () => (/* binding */ e),
/* harmony export */   t: () => (/* binding */ t)
/* harmony export */ });
var e=class e extends Error{name=`ProviderError`;tryNextLink;constructor(t,n=!0){let r,i=!0;typeof n==`boolean`?(r=void 0,i=n):typeof n==`object`&&n&&(r=n.logger,i=n.tryNextLink??!0),super(t),this.tryNextLink=i,Object.setPrototypeOf(this,e.prototype),r?.debug?.(`@smithy/property-provider ${i?`->`:`(!)`} ${t}`)}static from(e,t=!0){return Object.assign(new this(e.message,t),e)}},t=class t extends e{name=`CredentialsProviderError`;constructor(e,n=!0){super(e,n),Object.setPrototypeOf(this,t.prototype)}};

/***/ }),

/***/ 7394:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   t: () => (/* binding */ t)
/* harmony export */ });
/* harmony import */ var _CredentialsProviderError_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(6784);
const t=(...t)=>async()=>{if(t.length===0)throw new _CredentialsProviderError_js__WEBPACK_IMPORTED_MODULE_0__.n(`No providers in chain`);let n;for(let e of t)try{return await e()}catch(e){if(n=e,e?.tryNextLink)continue;throw e}throw n};

/***/ }),

/***/ 3826:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   n: () => (/* binding */ a),
/* harmony export */   t: () => (/* binding */ d)
/* harmony export */ });
/* harmony import */ var _chain_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7394);
/* harmony import */ var _CredentialsProviderError_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(6784);
/* harmony import */ var _getProfileName_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(6501);
/* harmony import */ var _loadSharedConfigFiles_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(2941);
const i=e=>()=>Promise.resolve(e),a=(e,t,n)=>{let r,i,a,o=!1,s=async()=>{i||=e();try{r=await i,a=!0,o=!1}finally{i=void 0}return r};return t===void 0?async e=>((!a||e?.forceRefresh)&&(r=await s()),r):async e=>((!a||e?.forceRefresh)&&(r=await s()),o?r:n&&!n(r)?(o=!0,r):(t(r)&&await s(),r))};function o(e){try{let t=new Set(Array.from(e.match(/([A-Z_]){3,}/g)??[]));return t.delete(`CONFIG`),t.delete(`CONFIG_PREFIX_SEPARATOR`),t.delete(`ENV`),[...t].join(`, `)}catch{return e}}const s=(e,n)=>async()=>{try{let t=e(process.env,n);if(t===void 0)throw Error();return t}catch(r){throw new _CredentialsProviderError_js__WEBPACK_IMPORTED_MODULE_1__.t(r.message||`Not found in ENV: ${o(e.toString())}`,{logger:n?.logger})}},c=(e,{preferredFile:i=`config`,...a}={})=>async()=>{let s=(0,_getProfileName_js__WEBPACK_IMPORTED_MODULE_3__.n)(a),{configFile:c,credentialsFile:l}=await (0,_loadSharedConfigFiles_js__WEBPACK_IMPORTED_MODULE_2__.t)(a),u=l[s]||{},d=c[s]||{},f=i===`config`?{...u,...d}:{...d,...u};try{let t=e(f,i===`config`?c:l);if(t===void 0)throw Error();return t}catch(n){throw new _CredentialsProviderError_js__WEBPACK_IMPORTED_MODULE_1__.t(n.message||`Not found in config files w/ profile [${s}]: ${o(e.toString())}`,{logger:a.logger})}},l=e=>typeof e==`function`,u=e=>l(e)?async()=>await e():i(e),d=({environmentVariableSelector:t,configFileSelector:n,default:r},i={})=>{let{signingName:o,logger:l}=i;return a((0,_chain_js__WEBPACK_IMPORTED_MODULE_0__.t)(s(t,{signingName:o,logger:l}),c(n,i),u(r)))};

/***/ }),

/***/ 7554:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   fromNodeProviderChain: () => (/* binding */ i),
/* harmony export */   fromTemporaryCredentials: () => (/* binding */ c),
/* harmony export */   fromWebToken: () => (/* binding */ l)
/* harmony export */ });
/* harmony import */ var _configLoader_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(3826);
/* harmony import */ var _normalizeProvider_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(8573);
/* harmony import */ var _CredentialsProviderError_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(6784);
const i=(e={})=>{let t;return async n=>{if(!t){let{defaultProvider:n}=await __webpack_require__.e(/* import() */ 655).then(__webpack_require__.bind(__webpack_require__, 6655));t=n({...e})}return t(n)}},a=(e,t,i)=>{let a;return async(c={})=>{let{callerClientConfig:l}=c,u=e.clientConfig?.profile??l?.profile,d=e.logger??l?.logger;d?.debug(`@aws-sdk/credential-providers - fromTemporaryCredentials (STS)`);let f={...e.params,RoleSessionName:e.params.RoleSessionName??`aws-sdk-js-`+Date.now()};if(f?.SerialNumber){if(!e.mfaCodeProvider)throw new _CredentialsProviderError_js__WEBPACK_IMPORTED_MODULE_2__.t(`Temporary credential requires multi-factor authentication, but no MFA code callback was provided.`,{tryNextLink:!1,logger:d});f.TokenCode=await e.mfaCodeProvider(f?.SerialNumber)}let{AssumeRoleCommand:p,STSClient:m}=await Promise.all(/* import() */[__webpack_require__.e(756), __webpack_require__.e(555), __webpack_require__.e(556)]).then(__webpack_require__.bind(__webpack_require__, 3775));if(!a){let r=typeof t==`function`?t():void 0,c=[e.masterCredentials,e.clientConfig?.credentials,void l?.credentials,l?.credentialDefaultProvider?.(),r],f=`STS client default credentials`;if(c[0])f=`options.masterCredentials`;else if(c[1])f=`options.clientConfig.credentials`;else if(c[2])throw f=`caller client's credentials`,Error(`fromTemporaryCredentials recursion in callerClientConfig.credentials`);else c[3]?f=`caller client's credentialDefaultProvider`:c[4]&&(f=`AWS SDK default credentials`);let p=[e.clientConfig?.region,l?.region,await i?.({profile:u}),`us-east-1`],h=`default partition's default region`;p[0]?h=`options.clientConfig.region`:p[1]?h=`caller client's region`:p[2]&&(h=`file or env region`);let g=[o(e.clientConfig?.requestHandler),o(l?.requestHandler)],_=`STS default requestHandler`;g[0]?_=`options.clientConfig.requestHandler`:g[1]&&(_=`caller client's requestHandler`),d?.debug?.(`@aws-sdk/credential-providers - fromTemporaryCredentials STS client init with ${h}=${await (0,_normalizeProvider_js__WEBPACK_IMPORTED_MODULE_1__.t)(s(p))()}, ${f}, ${_}.`),a=new m({userAgentAppId:l?.userAgentAppId,...e.clientConfig,credentials:s(c),logger:d,profile:u,region:s(p),requestHandler:s(g)})}if(e.clientPlugins)for(let t of e.clientPlugins)a.middlewareStack.use(t);let{Credentials:h}=await a.send(new p(f));if(!h||!h.AccessKeyId||!h.SecretAccessKey)throw new _CredentialsProviderError_js__WEBPACK_IMPORTED_MODULE_2__.t(`Invalid response from STS.assumeRole call with role ${f.RoleArn}`,{logger:d});return{accessKeyId:h.AccessKeyId,secretAccessKey:h.SecretAccessKey,sessionToken:h.SessionToken,expiration:h.Expiration,credentialScope:h.CredentialScope}}},o=e=>e?.metadata?.handlerProtocol===`h2`?void 0:e,s=e=>{for(let t of e)if(t!==void 0)return t},c=n=>a(n,i,async({profile:n=process.env.AWS_PROFILE})=>(0,_configLoader_js__WEBPACK_IMPORTED_MODULE_0__.t)({environmentVariableSelector:e=>e.AWS_REGION,configFileSelector:e=>e.region,default:()=>void 0},{..._normalizeProvider_js__WEBPACK_IMPORTED_MODULE_1__.n,profile:n})()),l=e=>async t=>{let{fromWebToken:n}=await __webpack_require__.e(/* import() */ 441).then(__webpack_require__.bind(__webpack_require__, 5441));return n({...e})(t)};

/***/ }),

/***/ 6501:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   n: () => (/* binding */ t)
/* harmony export */ });
/* unused harmony export t */
const e=(/* unused pure expression or super */ null && (`AWS_PROFILE`)),t=e=>e.profile||process.env.AWS_PROFILE||`default`;

/***/ }),

/***/ 2941:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   i: () => (/* binding */ r),
/* harmony export */   n: () => (/* binding */ l),
/* harmony export */   r: () => (/* binding */ a),
/* harmony export */   t: () => (/* binding */ d)
/* harmony export */ });
/* harmony import */ var _readFile_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(5261);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(6760);
var r;(function(e){e.PROFILE=`profile`,e.SSO_SESSION=`sso-session`,e.SERVICES=`services`})(r||={});const i=e=>Object.entries(e).filter(([e])=>{let t=e.indexOf(`.`);return t!==-1&&Object.values(r).includes(e.substring(0,t))}).reduce((e,[t,n])=>{let i=t.indexOf(`.`),a=t.substring(0,i)===r.PROFILE?t.substring(i+1):t;return e[a]=n,e},{...e.default&&{default:e.default}}),a=()=>process.env.AWS_CONFIG_FILE||(0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)((0,_readFile_js__WEBPACK_IMPORTED_MODULE_0__.r)(),`.aws`,`config`),o=()=>process.env.AWS_SHARED_CREDENTIALS_FILE||(0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)((0,_readFile_js__WEBPACK_IMPORTED_MODULE_0__.r)(),`.aws`,`credentials`),s=/^([\w-]+)\s(["'])?([\w-@+.%:/]+)\2$/,c=[`__proto__`,`profile __proto__`],l=e=>{let t={},n,i;for(let a of e.split(/\r?\n/)){let e=a.split(/(^|\s)[;#]/)[0].trim();if(e[0]===`[`&&e[e.length-1]===`]`){n=void 0,i=void 0;let t=e.substring(1,e.length-1),a=s.exec(t);if(a){let[,e,,t]=a;Object.values(r).includes(e)&&(n=[e,t].join(`.`))}else n=t;if(c.includes(t))throw Error(`Found invalid profile name "${t}"`)}else if(n){let r=e.indexOf(`=`);if(![0,-1].includes(r)){let[o,s]=[e.substring(0,r).trim(),e.substring(r+1).trim()];if(s===``)i=o;else{i&&a.trimStart()===a&&(i=void 0),t[n]=t[n]||{};let e=i?[i,o].join(`.`):o;t[n][e]=s}}}}return t},u=()=>({}),d=async(r={})=>{let{filepath:s=o(),configFilepath:c=a()}=r,d=(0,_readFile_js__WEBPACK_IMPORTED_MODULE_0__.r)(),f=s;s.startsWith(`~/`)&&(f=(0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(d,s.slice(2)));let p=c;c.startsWith(`~/`)&&(p=(0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(d,c.slice(2)));let m=await Promise.all([(0,_readFile_js__WEBPACK_IMPORTED_MODULE_0__.n)(p,{ignoreCache:r.ignoreCache}).then(l).then(i).catch(u),(0,_readFile_js__WEBPACK_IMPORTED_MODULE_0__.n)(f,{ignoreCache:r.ignoreCache}).then(l).catch(u)]);return{configFile:m[0],credentialsFile:m[1]}};

/***/ }),

/***/ 8573:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   c: () => (/* binding */ r),
/* harmony export */   i: () => (/* binding */ o),
/* harmony export */   n: () => (/* binding */ d),
/* harmony export */   r: () => (/* binding */ u),
/* harmony export */   t: () => (/* binding */ f)
/* harmony export */ });
/* unused harmony exports a, o, s */
const e=(/* unused pure expression or super */ null && (`AWS_EXECUTION_ENV`)),t=(/* unused pure expression or super */ null && (`AWS_REGION`)),n=(/* unused pure expression or super */ null && (`AWS_DEFAULT_REGION`)),r=[`in-region`,`cross-region`,`mobile`,`standard`,`legacy`],i=1e3;let a=0;const o=async()=>{if(!process.env.AWS_EC2_METADATA_DISABLED&&!(Date.now()<a))try{let e=c(),t=(await l({...e,path:`/latest/api/token`,method:`PUT`,headers:{"x-aws-ec2-metadata-token-ttl-seconds":`21600`}})).toString();return(await l({...e,path:`/latest/meta-data/placement/region`,method:`GET`,headers:{"x-aws-ec2-metadata-token":t}})).toString().trim()||s()}catch{return s()}},s=()=>{a=Date.now()+6e4},c=()=>{let e=process.env.AWS_EC2_METADATA_SERVICE_ENDPOINT;if(e){let t=new URL(e);return{hostname:t.hostname.replace(/^\[(.+)]$/,`$1`),port:t.port?Number(t.port):void 0}}return process.env.AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE===`IPv6`?{hostname:`fd00:ec2::254`}:{hostname:`169.254.169.254`}},l=async e=>{let{request:t}=await Promise.resolve(/* import() */).then(__webpack_require__.t.bind(__webpack_require__, 7067, 19));return new Promise((n,r)=>{let a=t({hostname:e.hostname,port:e.port,path:e.path,method:e.method,headers:e.headers,timeout:i,signal:AbortSignal.timeout(i)});a.on(`error`,e=>{r(e),a.destroy()}),a.on(`timeout`,()=>{r(/* @__PURE__ */ Error(`TimeoutError from instance metadata service`)),a.destroy()}),a.on(`response`,e=>{let{statusCode:t=400}=e;if(t<200||t>=300){r(Object.assign(/* @__PURE__ */ Error(`Error response received from instance metadata service`),{statusCode:t})),a.destroy();return}let i=[];e.on(`data`,e=>i.push(e)),e.on(`end`,()=>{n(Buffer.concat(i)),a.destroy()})}),a.end()})},u={environmentVariableSelector:e=>e.AWS_REGION,configFileSelector:e=>e.region,default:async()=>{let e=await o();if(e)return e;throw Error(`Region is missing`)}},d={preferredFile:`credentials`},f=e=>{if(typeof e==`function`)return e;let t=Promise.resolve(e);return()=>t};

/***/ }),

/***/ 5261:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   n: () => (/* binding */ c),
/* harmony export */   r: () => (/* binding */ a),
/* harmony export */   t: () => (/* binding */ s)
/* harmony export */ });
/* harmony import */ var node_fs_promises__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1455);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(6760);
/* harmony import */ var node_os__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(8161);
const r={},i=()=>process&&process.geteuid?`${process.geteuid()}`:`DEFAULT`,a=()=>{let{HOME:e,USERPROFILE:a,HOMEPATH:o,HOMEDRIVE:s=`C:${node_path__WEBPACK_IMPORTED_MODULE_1__.sep}`}=process.env;if(e)return e;if(a)return a;if(o)return`${s}${o}`;let c=i();return r[c]||(r[c]=(0,node_os__WEBPACK_IMPORTED_MODULE_2__.homedir)()),r[c]},o={},s={},c=(t,n)=>s[t]===void 0?((!o[t]||n?.ignoreCache)&&(o[t]=(0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.readFile)(t,`utf8`)),o[t]):s[t];

/***/ })

};
