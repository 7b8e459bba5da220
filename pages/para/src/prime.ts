// Looks for a prime from a number upwards, in steps that pass over multiples of 2, 3 and 5: what the
// client's RSA key for one log-in is made of. It asks with {hex, workLoad}; the first word is ours.
const STEPS = [6n, 4n, 2n, 4n, 2n, 4n, 6n, 2n]; // from 30 k + 1 to the next 30 k + 1
const ROUNDS = 32;
const SMALL = smallPrimes(2000);

function smallPrimes(below: number): readonly bigint[] {
  const found: number[] = [];
  for (let one = 7; one < below; one += 2) {
    if (one % 3 && one % 5 && found.every((prime) => one % prime)) found.push(one);
  }
  return found.map(BigInt);
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base % modulus;
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

function chance(bytes: number): bigint {
  const drawn = crypto.getRandomValues(new Uint8Array(bytes));
  return drawn.reduce((number, byte) => (number << 8n) | BigInt(byte), 0n);
}

/** Say whether *number*, odd and large, is prime: Miller and Rabin, wrong once in 4 ** 32 at most. */
function isPrime(number: bigint): boolean {
  if (SMALL.some((prime) => number % prime === 0n)) return false;
  let odd = number - 1n;
  let twos = 0;
  while (!(odd & 1n)) {
    odd >>= 1n;
    twos += 1;
  }
  const bytes = Math.ceil(number.toString(16).length / 2) + 8;
  for (let round = 0; round < ROUNDS; round += 1) {
    let power2 = power(2n + (chance(bytes) % (number - 3n)), odd, number);
    if (power2 === 1n || power2 === number - 1n) continue;
    let left = twos - 1;
    while (left > 0 && power2 !== number - 1n) {
      power2 = (power2 * power2) % number;
      left -= 1;
    }
    if (power2 !== number - 1n) return false;
  }
  return true;
}

self.onmessage = (event: MessageEvent<{ readonly hex: string; readonly workLoad: number }>): void => {
  let number = BigInt(`0x${event.data.hex}`);
  for (let tried = 0; tried < event.data.workLoad; tried += 1) {
    if (isPrime(number)) {
      self.postMessage({ found: true, prime: number.toString(16) });
      return;
    }
    number += STEPS[tried % STEPS.length] ?? 2n;
  }
  self.postMessage({ found: false });
};
self.postMessage({ found: false }); // ready
