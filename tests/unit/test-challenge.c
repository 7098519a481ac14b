// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What validators look for.
 */
#include "plugin/challenge.h"

#define TOKEN "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"

static void
test_dns (void)
{
  g_autoptr (HerdChallenge) challenge = herd_challenge_new (
      "dns-01", "example.org", TOKEN, TOKEN ".9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI");
  g_autofree char *name = herd_challenge_get_dns_name (challenge);
  g_autofree char *value = herd_challenge_get_dns_value (challenge);

  g_assert_cmpstr (name, ==, "_acme-challenge.example.org");
  g_assert_cmpstr (value, ==, "lCM7cZyQXcVHK2nnW3jjAhNT3Fvm18UN-kWZZknKoYM");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/challenge/dns", test_dns);
  return g_test_run ();
}
