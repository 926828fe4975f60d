// A certificate for hooks.example.com that signs itself and lasts a hundred years, with its key: both are worth nothing outside
// these tests. Node can use certificates but not make them.

export const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBeTCCAR+gAwIBAgIBATAKBggqhkjOPQQDAjAcMRowGAYDVQQDDBFob29rcy5l
eGFtcGxlLmNvbTAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowHDEa
MBgGA1UEAwwRaG9va3MuZXhhbXBsZS5jb20wWTATBgcqhkjOPQIBBggqhkjOPQMB
BwNCAAQ6mioISE7HuHgGB6d7VX3IoZcEOe8pQgVSn6KDn5NkqHCEenxR4IiFyTl0
eE8G/3EBgyiDapK0ARsJ84xW9bhGo1AwTjAcBgNVHREEFTATghFob29rcy5leGFt
cGxlLmNvbTAPBgNVHRMBAf8EBTADAQH/MB0GA1UdDgQWBBQgorUokE9y2KB2ixlK
zIeiKY36kDAKBggqhkjOPQQDAgNIADBFAiEAoobrV3OCBAMCTrIeH4tFO71Yz0rC
JxE76eqUKq0lpx8CIESF/BsAotnCJr++7l40d11Kqzvjubq+3vTJOpk6koAT
-----END CERTIFICATE-----
`

export const CERTIFICATE_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgR1EOdVcwVVjORzNz
RBQwtGPHnk4F7ZPvUIO18dckkaOhRANCAAQ6mioISE7HuHgGB6d7VX3IoZcEOe8p
QgVSn6KDn5NkqHCEenxR4IiFyTl0eE8G/3EBgyiDapK0ARsJ84xW9bhG
-----END PRIVATE KEY-----
`
