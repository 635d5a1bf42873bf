import { actionsHost, reportFailure } from './host/actions.ts';
import { main } from './run.ts';

// The only module that acts on import; every other one just defines things.
Promise.try(() => main(actionsHost())).catch(reportFailure);
