// The published types describe the package's main entry only; the generator alone is smaller and needs no Node.
declare module 'seedrandom/lib/alea.js' {
  interface Generator {
    (): number;
    int32(): number;
  }
  export default function alea(seed: string): Generator;
}
