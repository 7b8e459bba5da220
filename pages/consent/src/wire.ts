// What the server tells about the one session that the link leads to (docs/reference/openapi.json, LinkedConsent).
import type { Clone } from "./clone.ts";

export interface Constraint { argument: number; operator: string; values: string[] }
export interface Rule { target: string; selector: string | null; function: string | null; payable: boolean; where: Constraint[] }
export interface WideRule { target: string; payable: boolean }
export interface Cap {
  asset: string;
  decimals: number | null;
  per_call: string | null;
  lifetime: string | null;
  window: { limit: string; window_s: number } | null;
}

export interface Permission {
  chain: string;
  starts_at: number;
  expires_at: number;
  max_calls: number | null;
  relayer: string | null;
  recipients: "anything" | string[];
  rules: Rule[];
  caps: Cap[];
  fee_budget_wei: string | null;
  wide_rules: WideRule[];
  rate: { calls: number; window_s: number } | null;
  messages: unknown[];
  typed_data: unknown[];
  scopes: string[];
}

export interface Bound { asset: string; amount: string | null; decimals: number | null; reason: string }
export interface Finding { rule: string; severity: "error" | "warning" | "info"; place: string; detail: string; fix: string }

export interface TypedData {
  types: Record<string, { name: string; type: string }[]>;
  primaryType: string;
  domain: Record<string, unknown>;
  message: Record<string, unknown>;
}

export interface Consent {
  session_id: string;
  organization: string;
  label: string;
  device: string;
  proof: "chain" | "stamp";
  account: string;
  clone: Clone | null;
  chain: string;
  chain_id: number;
  starts_at: number;
  expires_at: number;
  idle_s: number | null;
  session_key: string;
  permission: Permission;
  names: Record<string, string>;
  headline: string;
  explanation: string[];
  worst_case: { bounds: Bound[]; others: string[]; text: string };
  findings: Finding[];
  grant: TypedData;
  kill_note: TypedData;
  link_expires_at: number;
}
