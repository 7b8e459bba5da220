// The vendor's SDK as it is published, for a page of a test.
import Portal from "@portal-hq/web";

globalThis.Portal = Portal;
