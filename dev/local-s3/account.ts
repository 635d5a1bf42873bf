/** The account that owns everything, unless a bucket is declared to be another's. */
export const ACCOUNT_ID = '123456789012';
