import { actionsHost, reportFailure } from './adapters/actions-host.ts';
import { main } from './main.ts';

// The only module that acts on import; every other one just defines things.
Promise.try(() => main(actionsHost())).catch(reportFailure);
