// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The keys of presets: rows of the vocabulary's table, beside those of the configuration.
 */
#include "config/checks.h"

#define LIST_LIMIT 32
#define TEXT_LIMIT 512
#define DAY (24 * 60 * 60)

static const char *const contacts[] = { "optional", "required", NULL };
static const char *const bindings[] = { "none", "optional", "required", NULL };
static const char *const identifiers[] = { "dns", "wildcard", "ip", NULL };
static const char *const features[] = { "key-change", "lifetime",     "must-staple",
                                        "orders",     "renewal-info", NULL };
static const char *const scopes[] = { "accounts",    "orders",   "domain",
                                      "identifiers", "failures", "failures-in-a-row",
                                      NULL };
static const char *const exemptions[] = { "renewals", "renewal-info", NULL };

const HerdWord herd_preset_words[] = {
  { HERD_SECTION_PRESET, "account-key-types", HERD_WORD_LIST, herd_check_word, 16, LIST_LIMIT,
    .words = herd_account_key_types,
    .help = "the types of account keys that the CA takes; all, where it is not set" },
  { HERD_SECTION_PRESET, "caa-identities", HERD_WORD_LIST, herd_check_zone, 254, LIST_LIMIT,
    .help = "the names by which CAA records mean this CA" },
  { HERD_SECTION_PRESET, "contact", 0, herd_check_word, 16, .words = contacts,
    .help = "whether an account needs a contact: optional or required" },
  { HERD_SECTION_PRESET, "description", HERD_WORD_REQUIRED, herd_check_text, 128,
    .help = "what it is, in a few words" },
  { HERD_SECTION_PRESET, "directory-hint", 0, herd_check_text, TEXT_LIMIT,
    .help = "what the URL of the directory looks like, where everyone has another" },
  { HERD_SECTION_PRESET, "directory-url", 0, herd_check_directory_url, 1024,
    .help = "the https URL of the ACME directory" },
  { HERD_SECTION_PRESET, "eab", HERD_WORD_REQUIRED, herd_check_word, 16, .words = bindings,
    .help = "external account binding: none, optional or required" },
  { HERD_SECTION_PRESET, "eab-hint", 0, herd_check_text, TEXT_LIMIT,
    .help = "where the key of the external account binding is to be had" },
  { HERD_SECTION_PRESET, "hosts", HERD_WORD_LIST, herd_check_address, 320, LIST_LIMIT,
    .help = "what the CA's URLs may name besides the directory's host: HOST:PORT" },
  { HERD_SECTION_PRESET, "identifiers", HERD_WORD_LIST, herd_check_word, 16, LIST_LIMIT,
    .words = identifiers,
    .help = "what can be ordered, of dns, wildcard and ip; anything, where it is not set" },
  { HERD_SECTION_PRESET, "key-types", HERD_WORD_LIST, herd_check_word, 16, LIST_LIMIT,
    .words = herd_key_types,
    .help = "the types of certificates' keys that the CA takes; all, where it is not set" },
  { HERD_SECTION_PRESET, "lacks", HERD_WORD_LIST, herd_check_word, 16, LIST_LIMIT,
    .words = features,
    .help = "what the CA cannot do, whatever it says of itself: key-change, lifetime, "
            "must-staple, orders (an account's list of them), renewal-info" },
  { HERD_SECTION_PRESET, "lifetime-maximum", 0, herd_check_duration, 16, .minimum = 60,
    .maximum = 3650 * (gint64) DAY, .help = "the longest lifetime that may be wished for" },
  { HERD_SECTION_PRESET, "lifetime-minimum", 0, herd_check_duration, 16, .minimum = 60,
    .maximum = 3650 * (gint64) DAY, .help = "the shortest lifetime that may be wished for" },
  { HERD_SECTION_PRESET, "profiles", HERD_WORD_LIST, herd_check_profile, 64, LIST_LIMIT,
    .help = "the names of profiles, to be shown; what counts is the CA's directory" },
  { HERD_SECTION_PRESET, "replaces-urls", HERD_WORD_LIST, herd_check_directory_url, 1024,
    LIST_LIMIT, .help = "https URLs of directories that ended, and whose successor this is" },
  { HERD_SECTION_PRESET, "staging", 0, herd_check_name, 64,
    .help = "the name of the preset for rehearsals" },

  { HERD_SECTION_LIMIT, "count", HERD_WORD_REQUIRED, herd_check_number, 16, .minimum = 1,
    .maximum = 1000000000, .help = "how many fit into it" },
  { HERD_SECTION_LIMIT, "exempt", HERD_WORD_LIST, herd_check_word, 16, LIST_LIMIT,
    .words = exemptions,
    .help = "what it does not count: renewals (of the same identifiers), renewal-info (renewals "
            "in the window that the CA suggests)" },
  { HERD_SECTION_LIMIT, "refill", HERD_WORD_REQUIRED, herd_check_duration, 16, .minimum = 1,
    .maximum = 366 * (gint64) DAY, .help = "how long it takes until one more fits, such as 36s" },
  { HERD_SECTION_LIMIT, "scope", HERD_WORD_REQUIRED, herd_check_word, 32, .words = scopes,
    .help = "what is counted: accounts, orders, domain, identifiers, failures or "
            "failures-in-a-row" },
};

const guint herd_n_preset_words = G_N_ELEMENTS (herd_preset_words);
