// Its own server keeps it alive, and ends with it.
import { createLightship } from 'lightship';

const lightship = await createLightship();
lightship.registerShutdownHandler(async () => {});
lightship.signalReady();
setTimeout(() => process.stdout.write('ready\n'), 20);
