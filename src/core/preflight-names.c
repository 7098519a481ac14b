// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Addresses, CAA and the place of TXT records, for one name.
 */
#include "core/preflight-names.h"

#include "core/preflight-issuers.h"
#include "net/caa.h"
#include "net/dns-place.h"
#include "plugin/identifier.h"

#define ADDRESSES_MAX 4 /* of a family */

HerdPreflightName *
herd_preflight_name_new (const char *identifier, HerdSolvers *solvers, const char *const *wanted)
{
  HerdPreflightName *name = g_new0 (HerdPreflightName, 1);
  g_autoptr (GPtrArray) able = herd_solvers_find (solvers, identifier, wanted);

  name->identifier = g_strdup (identifier);
  name->is_wildcard = herd_identifier_is_wildcard (identifier);
  name->base = g_strdup (name->is_wildcard ? identifier + 2 : identifier);
  name->is_address = g_str_equal (herd_identifier_get_type_name (identifier), "ip");
  name->addresses = g_ptr_array_new_with_free_func (g_free);
  name->method = "";
  if (able->len > 0) {
    name->solver = g_object_ref (able->pdata[0]);
    name->method = herd_solver_get_challenge_types (name->solver, identifier)[0];
  }
  if (name->is_address)
    g_ptr_array_add (name->addresses, g_strdup (identifier));
  return name;
}

void
herd_preflight_name_free (HerdPreflightName *name)
{
  if (name == NULL)
    return;
  g_clear_object (&name->solver);
  g_ptr_array_unref (name->addresses);
  g_clear_pointer (&name->challenge, herd_challenge_unref);
  g_free (name->identifier);
  g_free (name->base);
  g_free (name);
}

gboolean
herd_preflight_name_is_visited (const HerdPreflightName *name)
{
  return g_str_equal (name->method, "http-01") || g_str_equal (name->method, "tls-alpn-01");
}

static gboolean
is_proved_by_dns (const HerdPreflightName *name)
{
  return g_str_equal (name->method, "dns-01");
}

void
herd_preflight_name_ask (const HerdPreflightName *name, HerdDns *dns, HerdRun *run)
{
  GCancellable *cancellable = herd_run_get_cancellable (run);
  g_autofree char *place = g_strconcat ("_acme-challenge.", name->base, NULL);

  if (name->is_address)
    return;
  herd_caa_find_async (dns, name->identifier, cancellable, herd_run_ready, herd_run_slot (run));
  if (herd_preflight_name_is_visited (name)) {
    herd_dns_query_async (dns, name->base, HERD_DNS_A, NULL, cancellable, herd_run_ready,
                          herd_run_slot (run));
    herd_dns_query_async (dns, name->base, HERD_DNS_AAAA, NULL, cancellable, herd_run_ready,
                          herd_run_slot (run));
  }
  if (is_proved_by_dns (name))
    herd_dns_place_find_async (dns, place, cancellable, herd_run_ready, herd_run_slot (run));
}

/* --- CAA --- */

static void
judge_caa (const HerdPreflightName *name, const HerdCaa *caa, const HerdPreflightIssuer *issuer,
           HerdFindings *findings)
{
  static const char *const none[] = { NULL };
  const HerdOutlook *outlook = issuer->outlook;
  const HerdCaaWish wish = {
    .wildcard = name->is_wildcard,
    .identities = outlook != NULL ? (const char *const *) outlook->caa_identities : none,
    .account = outlook != NULL ? outlook->account->url : "",
    .method = name->method,
  };
  const char *owner = herd_caa_get_name (caa);
  g_autofree char *reason = NULL;

  switch (herd_caa_judge (caa, &wish, &reason)) {
  case HERD_CAA_ALLOWED:
    herd_findings_add_for (findings, issuer->name, name->identifier, "caa", HERD_SEVERITY_OK,
                           "the CAA records of %s allow it", owner);
    break;
  case HERD_CAA_FORBIDDEN:
    herd_findings_add_for (findings, issuer->name, name->identifier, "caa", HERD_SEVERITY_ERROR,
                           "the CAA records of %s forbid it: %s; change them, or choose another "
                           "issuer",
                           owner, reason);
    break;
  case HERD_CAA_UNKNOWN:
    herd_findings_add_for (findings, issuer->name, name->identifier, "caa", HERD_SEVERITY_NOTICE,
                           "the CAA records of %s cannot be judged: %s", owner, reason);
    break;
  }
}

/* They are looked for once, and mean something else to every issuer. */
static void
read_caa (const HerdPreflightName *name, GAsyncResult *result, const GPtrArray *issuers,
          HerdFindings *findings)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdCaa) caa = herd_caa_find_finish (result, &error);

  if (caa == NULL) {
    herd_findings_add (findings, name->identifier, "caa", HERD_SEVERITY_WARNING,
                       "%s; a CA that cannot read the CAA records either has to refuse",
                       error->message);
    return;
  }
  if (*herd_caa_get_name (caa) == '\0') {
    herd_findings_add (findings, name->identifier, "caa", HERD_SEVERITY_OK, "no CAA records");
    return;
  }
  for (guint i = 0; i < issuers->len; i++)
    judge_caa (name, caa, issuers->pdata[i], findings);
}

/* --- addresses --- */

/* Nobody on the Internet gets to these (RFC 6890; RFC 4193). */
static gboolean
is_private (const char *text)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (text);
  const guint8 *bytes = g_inet_address_to_bytes (address);

  if (g_inet_address_get_is_loopback (address) || g_inet_address_get_is_site_local (address)
      || g_inet_address_get_is_link_local (address) || g_inet_address_get_is_any (address)
      || g_inet_address_get_is_multicast (address))
    return TRUE;
  if (g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV6)
    return (bytes[0] & 0xfe) == 0xfc;
  return bytes[0] == 100 && (bytes[1] & 0xc0) == 64; /* shared by carriers' customers: RFC 6598 */
}

static gboolean
are_private (const GPtrArray *issuers)
{
  for (guint i = 0; i < issuers->len; i++) {
    if (!((const HerdPreflightIssuer *) issuers->pdata[i])->is_private)
      return FALSE;
  }
  return TRUE;
}

static void
judge_addresses (const HerdPreflightName *name, const GPtrArray *issuers, HerdFindings *findings)
{
  g_autoptr (GString) all = g_string_new (NULL);

  for (guint i = 0; i < name->addresses->len; i++) {
    const char *address = name->addresses->pdata[i];

    g_string_append_printf (all, "%s%s", i > 0 ? ", " : "", address);
    if (is_private (address))
      herd_findings_add (findings, name->identifier, "address",
                         are_private (issuers) ? HERD_SEVERITY_NOTICE : HERD_SEVERITY_WARNING,
                         "%s is a private address, to which only a CA in the same network can "
                         "come; publish a public one, or prove control by DNS",
                         address);
  }
  herd_findings_add (findings, name->identifier, "address", HERD_SEVERITY_OK, "%s", all->str);
}

/* The addresses in one answer; FALSE: there was none. */
static gboolean
read_addresses (HerdPreflightName *name, HerdDns *dns, GAsyncResult *result, HerdDnsType type,
                HerdFindings *findings)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdDnsAnswer) answer = herd_dns_query_finish (dns, result, &error);
  const char *owner = answer != NULL ? herd_dns_answer_follow (answer, name->base) : NULL;
  guint count = 0;

  if (owner == NULL) {
    herd_findings_add (findings, name->identifier, "address", HERD_SEVERITY_WARNING,
                       "%s; the CA may see the same",
                       error != NULL ? error->message : "its CNAMEs lead in a circle");
    return FALSE;
  }
  for (guint i = 0; i < answer->answers->len && count < ADDRESSES_MAX; i++) {
    const HerdDnsRecord *record = answer->answers->pdata[i];

    if (record->type != type || !g_str_equal (record->owner, owner))
      continue;
    g_ptr_array_add (name->addresses, g_strdup (record->text));
    count++;
  }
  return TRUE;
}

static void
read_both_families (HerdPreflightName *name, HerdDns *dns, HerdRun *run, guint index,
                    const GPtrArray *issuers, HerdFindings *findings)
{
  gboolean four = read_addresses (name, dns, herd_run_get_result (run, index), HERD_DNS_A,
                                  findings);
  gboolean six = read_addresses (name, dns, herd_run_get_result (run, index + 1), HERD_DNS_AAAA,
                                 findings);

  if (name->addresses->len > 0)
    judge_addresses (name, issuers, findings);
  else if (four && six)
    herd_findings_add (findings, name->identifier, "address", HERD_SEVERITY_ERROR,
                       "it has neither an A nor an AAAA record, so that no CA can come for %s; "
                       "add one, or prove control by DNS",
                       name->method);
}

/* --- where a TXT record would go --- */

static void
read_place (const HerdPreflightName *name, GAsyncResult *result, HerdDns *dns,
            HerdFindings *findings)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdDnsPlace) place = herd_dns_place_find_finish (dns, result, &error);

  if (place == NULL)
    herd_findings_add (findings, name->identifier, "dns", HERD_SEVERITY_ERROR,
                       "%s; mend the zone, or no record there can be found", error->message);
  else if (place->trouble != NULL)
    herd_findings_add (findings, name->identifier, "dns", HERD_SEVERITY_WARNING,
                       "no server of the zone %s can be asked from here: %s", place->zone,
                       place->trouble);
  else
    herd_findings_add (findings, name->identifier, "dns", HERD_SEVERITY_OK,
                       "its record would be %s in the zone %s, on %u servers", place->name,
                       place->zone, place->servers->len);
}

static void
judge_solver (const HerdPreflightName *name, HerdFindings *findings)
{
  if (name->solver != NULL)
    return;
  herd_findings_add (findings, name->identifier, "solver", HERD_SEVERITY_ERROR,
                     name->is_wildcard ? "no solver can prove control of a wildcard%s; set one up "
                                         "that does it by DNS"
                                       : "no solver can prove control of it%s; see challenge, and "
                                         "the property Plugins",
                     "");
}

guint
herd_preflight_name_read (HerdPreflightName *name, HerdDns *dns, HerdRun *run, guint index,
                          const GPtrArray *issuers, HerdFindings *findings)
{
  judge_solver (name, findings);
  if (name->is_address) {
    judge_addresses (name, issuers, findings);
    return index;
  }
  read_caa (name, herd_run_get_result (run, index++), issuers, findings);
  if (herd_preflight_name_is_visited (name)) {
    read_both_families (name, dns, run, index, issuers, findings);
    index += 2;
  }
  if (is_proved_by_dns (name))
    read_place (name, herd_run_get_result (run, index++), dns, findings);
  return index;
}
