import { portSettings } from '../config/gateway.ts';
import type { Config } from '../config.ts';
import { type Endpoint, type ReservedPort, reservePort } from '../http/server/port.ts';
import type { Endpoints } from '../serve.ts';

type Reserved = { endpoints: Endpoints & { core: Endpoint }; release(): void };

/**
 * Reserves the ports that the workers share.
 * @throws StartupError
 */
export async function reservePorts(config: Config): Promise<Reserved> {
  const core = await shared({ host: config.host, port: config.port });
  try {
    const gateway = config.gateway && (await shared(await gatewayEndpoint(config.gateway.file)));
    return {
      endpoints: { core: core.endpoint, gateway: gateway?.endpoint },
      release() {
        core.release();
        gateway?.release();
      },
    };
  } catch (error) {
    core.release();
    throw error;
  }
}

/**
 * Checks that the ports of a service are free that is alone.
 * @throws StartupError
 */
export async function assertPortsFree(config: Config): Promise<void> {
  if (config.listen === undefined) return (await reservePorts(config)).release();
  if (config.gateway) (await shared(await gatewayEndpoint(config.gateway.file))).release();
}

type Wanted = Omit<Endpoint, 'isShared'>;

async function shared(wanted: Wanted): Promise<{ endpoint: Endpoint; release: ReservedPort['release'] }> {
  const { port, release } = await reservePort(wanted);
  return { endpoint: { ...wanted, port, isShared: true }, release };
}

/** The file is read only here: the workers follow it, but their port stays. */
async function gatewayEndpoint(file: string): Promise<Wanted> {
  const { readAddress } = await import('../gateway-file/address.ts');
  const { host, port } = readAddress(file);
  return { host, port, names: portSettings(file) };
}
