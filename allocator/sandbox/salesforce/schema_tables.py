"""The standard objects of the sandbox: names, prefixes, abilities, children, picklists and defaults."""

from allocator.sandbox.salesforce import schema_fields as fields

# object: label, plural, key prefix, fields, abilities.
# Abilities: c createable, u updateable, d deletable, r undeletable, m mergeable, f feeds, s searchable,
# t triggerable, l has layouts, w most recently used, k deep cloneable.
OBJECTS = (
    ("Account", "Account", "Accounts", "001", fields.ACCOUNT, "cudrmfstlw"),
    ("Campaign", "Campaign", "Campaigns", "701", fields.CAMPAIGN, "cudrstlwk"),
    ("CampaignMember", "Campaign Member", "Campaign Members", "00v", fields.CAMPAIGN_MEMBER, "cudtl"),
    ("Contact", "Contact", "Contacts", "003", fields.CONTACT, "cudrmfstlw"),
    ("Group", "Group", "Groups", "00G", fields.GROUP, "cuds"),
    ("GroupMember", "Group Member", "Group Members", "011", fields.GROUP_MEMBER, "cd"),
    ("Lead", "Lead", "Leads", "00Q", fields.LEAD, "cudrmfstlw"),
    ("LeadStatus", "Lead Status Value", "Lead Status Values", "01J", fields.LEAD_STATUS, ""),
    ("Opportunity", "Opportunity", "Opportunities", "006", fields.OPPORTUNITY, "cudrfstlwk"),
    ("Organization", "Organization", "Organizations", "00D", fields.ORGANIZATION, "u"),
    ("Profile", "Profile", "Profiles", "00e", fields.PROFILE, "ud"),
    ("QueueSobject", "Queue Sobject", "Queue Sobjects", "03g", fields.QUEUE_SOBJECT, "cd"),
    ("User", "User", "Users", "005", fields.USER, "cufstlw"),
    ("UserRole", "Role", "Role", "00E", fields.USER_ROLE, "cud"),
)

# parent, relationship name, child, field, cascade delete.
CHILDREN = (
    ("Account", "ChildAccounts", "Account", "ParentId", False),
    ("Account", "Contacts", "Contact", "AccountId", True),
    ("Account", "Opportunities", "Opportunity", "AccountId", True),
    ("Account", "Users", "User", "AccountId", False),
    ("Campaign", "CampaignMembers", "CampaignMember", "CampaignId", True),
    ("Campaign", "ChildCampaigns", "Campaign", "ParentId", False),
    ("Campaign", "Opportunities", "Opportunity", "CampaignId", False),
    ("Contact", "CampaignMembers", "CampaignMember", "ContactId", True),
    ("Contact", "Opportunities", "Opportunity", "ContactId", False),
    ("Contact", "Users", "User", "ContactId", False),
    ("Group", "GroupMembers", "GroupMember", "GroupId", True),
    ("Group", "QueueSobjects", "QueueSobject", "QueueId", True),
    ("Lead", "CampaignMembers", "CampaignMember", "LeadId", True),
    ("Profile", "Users", "User", "ProfileId", False),
    ("User", "ManagedUsers", "User", "ManagerId", False),
    ("UserRole", "Users", "User", "UserRoleId", False),
)

_GEOCODE = "Address;NearAddress;Block;Street;ExtendedZip;Zip;Neighborhood;City;County;State;Unknown"
_CLEAN = "Matched;Different;Acknowledged;NotFound;Inactive;Pending;SelectMatch;Skipped"
_SOURCE = "Web;Phone Inquiry;Partner Referral;Purchased List;Other"
_INDUSTRY = (
    "Agriculture;Apparel;Banking;Biotechnology;Chemicals;Communications;Construction;Consulting;"
    "Education;Electronics;Energy;Engineering;Entertainment;Environmental;Finance;Food & Beverage;"
    "Government;Healthcare;Hospitality;Insurance;Machinery;Manufacturing;Media;Not For Profit;Recreation;"
    "Retail;Shipping;"
    "Technology;Telecommunications;Transportation;Utilities;Other"
)
# ISO 3166-1 alpha-2, which is what an org with state and country picklists is set up with.
_COUNTRY = (
    "AD AE AF AG AI AL AM AO AQ AR AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV "
    "BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER "
    "ES ET FI FJ FK FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GW GY HM HN HR HT HU ID IE IL "
    "IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY "
    "MA MC MD ME MF MG MK ML MM MN MO MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ "
    "OM PA PE PF PG PH PK PL PM PN PS PT PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO "
    "SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG US UY UZ VA VC VE VG VI "
    "VN VU WF WS YE YT ZA ZM ZW"
).replace(" ", ";")

# "Object.Field" before "Field": values in order, `*` marks the default.
PICKLISTS = {
    "Salutation": "Mr.;Ms.;Mrs.;Dr.;Prof.;Mx.",
    "GeocodeAccuracy": _GEOCODE,
    "CountryCode": _COUNTRY,
    "CleanStatus": _CLEAN,
    "LeadSource": _SOURCE,
    "AccountSource": _SOURCE,
    "Industry": _INDUSTRY,
    "Rating": "Hot;Warm;Cold",
    "Ownership": "Public;Private;Subsidiary;Other",
    "Lead.Status": "*Open - Not Contacted;Working - Contacted;Closed - Converted;Closed - Not Converted",
    "Account.Type": "Prospect;Customer - Direct;Customer - Channel;Channel Partner / Reseller;"
    "Installation Partner;Technology Partner;Other",
    "Opportunity.Type": "Existing Customer - Upgrade;Existing Customer - Replacement;"
    "Existing Customer - Downgrade;New Customer",
    "Opportunity.StageName": "Prospecting;Qualification;Needs Analysis;Value Proposition;Id. Decision Makers;"
    "Perception Analysis;Proposal/Price Quote;Negotiation/Review;Closed Won;Closed Lost",
    "Opportunity.ForecastCategory": "Omitted;Pipeline;BestCase;MostLikely;Forecast;Closed",
    "Opportunity.ForecastCategoryName": "Omitted;Pipeline;Best Case;Commit;Closed",
    "Campaign.Type": "Conference;Webinar;Trade Show;Public Relations;Partners;Referral Program;Advertisement;"
    "Banner Ads;Direct Mail;Email;Telemarketing;Other",
    "Campaign.Status": "*Planned;In Progress;Completed;Aborted",
    "CampaignMember.Status": "*Sent;Responded",
    "CampaignMember.Type": "Lead;Contact",
    "Group.Type": "Regular;Role;RoleAndSubordinates;Organization;Territory;Queue",
    "User.UserType": "Standard;PowerPartner;CSPLitePortal;CustomerSuccess;PowerCustomerSuccess;CsnOnly;Guest",
    "QueueSobject.SobjectType": "Lead;Case;Campaign",
}

# What the vendor writes when nothing is given; booleans not named here default to false.
DEFAULTS = {
    "Lead.Status": "Open - Not Contacted",
    "Campaign.Status": "Planned",
    "CampaignMember.Status": "Sent",
    "User.IsActive": True,
}
