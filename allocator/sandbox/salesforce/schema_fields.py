"""The fields of the sandbox's standard objects, one a line.

Names, types, lengths and flags of Lead, Contact, Account and Opportunity are those of recorded describes
(API 48.0 to 59.0); the other objects follow the vendor's object reference. A line reads

    name type size flags [>Target,Target:Relationship] [@CompoundField] [~extraTypeInfo] | label

Flags: c createable, u updateable, n nillable, d defaulted on create, i id lookup, r restricted picklist,
p permissionable, x neither filterable nor sortable, N the object's name field, U unique.
`*audit` stands for the five stamps that every object carries.
"""

AUDIT = """
CreatedDate datetime 0 d | Created Date
CreatedById reference 18 d >User:CreatedBy | Created By ID
LastModifiedDate datetime 0 d | Last Modified Date
LastModifiedById reference 18 d >User:LastModifiedBy | Last Modified By ID
SystemModstamp datetime 0 d | System Modstamp
"""

LEAD = """
Id id 18 di | Lead ID
IsDeleted boolean 0 d | Deleted
MasterRecordId reference 18 n >Lead:MasterRecord | Master Record ID
LastName string 80 cu @Name ~personname | Last Name
FirstName string 40 cun @Name ~personname | First Name
Salutation picklist 40 cun @Name ~personname | Salutation
Name string 121 N ~personname | Full Name
Title string 128 cunp | Title
Company string 255 cu | Company
Street textarea 255 cunp @Address ~plaintextarea | Street
City string 40 cunp @Address | City
State string 80 cunp @Address | State/Province
PostalCode string 20 cunp @Address | Zip/Postal Code
Country string 80 cunp @Address | Country
StateCode picklist 10 cunp @Address | State/Province Code
CountryCode picklist 10 cunp @Address | Country Code
Latitude double 18.15 cunp @Address | Latitude
Longitude double 18.15 cunp @Address | Longitude
GeocodeAccuracy picklist 40 cunrp @Address | Geocode Accuracy
Address address 0 np | Address
Phone phone 40 cunp | Phone
MobilePhone phone 40 cunp | Mobile Phone
Fax phone 40 cunp | Fax
Email email 80 cunip | Email
Website url 255 cunp | Website
PhotoUrl url 255 n ~imageurl | Photo URL
Description textarea 32000 cunp ~plaintextarea | Description
LeadSource picklist 255 cunp | Lead Source
Status picklist 255 cud | Status
Industry picklist 255 cunp | Industry
Rating picklist 255 cunp | Rating
AnnualRevenue currency 18.0 cunp | Annual Revenue
NumberOfEmployees int 8 cunp | Employees
OwnerId reference 18 cud >Group,User:Owner | Owner ID
HasOptedOutOfEmail boolean 0 cudp | Email Opt Out
HasOptedOutOfFax boolean 0 cudp | Fax Opt Out
DoNotCall boolean 0 cudp | Do Not Call
IsConverted boolean 0 cd | Converted
ConvertedDate date 0 n | Converted Date
ConvertedAccountId reference 18 n >Account:ConvertedAccount | Converted Account ID
ConvertedContactId reference 18 n >Contact:ConvertedContact | Converted Contact ID
ConvertedOpportunityId reference 18 n >Opportunity:ConvertedOpportunity | Converted Opportunity ID
IsUnreadByOwner boolean 0 cud | Unread By Owner
*audit
LastActivityDate date 0 n | Last Activity
LastViewedDate datetime 0 n | Last Viewed Date
LastReferencedDate datetime 0 n | Last Referenced Date
Jigsaw string 20 cunp | Data.com Key
JigsawContactId string 20 n | Jigsaw Contact ID
CleanStatus picklist 40 cunrp | Clean Status
CompanyDunsNumber string 9 cunp | Company D-U-N-S Number
DandbCompanyId reference 18 cunp | D&B Company ID
EmailBouncedReason string 255 un | Email Bounced Reason
EmailBouncedDate datetime 0 un | Email Bounced Date
IndividualId reference 18 cun | Individual ID
"""

CONTACT = """
Id id 18 di | Contact ID
IsDeleted boolean 0 d | Deleted
MasterRecordId reference 18 n >Contact:MasterRecord | Master Record ID
AccountId reference 18 cunp >Account:Account | Account ID
LastName string 80 cu @Name ~personname | Last Name
FirstName string 40 cun @Name ~personname | First Name
Salutation picklist 40 cun @Name ~personname | Salutation
Name string 121 N ~personname | Full Name
OtherStreet textarea 255 cunp @OtherAddress ~plaintextarea | Other Street
OtherCity string 40 cunp @OtherAddress | Other City
OtherState string 80 cunp @OtherAddress | Other State/Province
OtherPostalCode string 20 cunp @OtherAddress | Other Zip/Postal Code
OtherCountry string 80 cunp @OtherAddress | Other Country
OtherStateCode picklist 10 cunp @OtherAddress | Other State/Province Code
OtherCountryCode picklist 10 cunp @OtherAddress | Other Country Code
OtherLatitude double 18.15 cunp @OtherAddress | Other Latitude
OtherLongitude double 18.15 cunp @OtherAddress | Other Longitude
OtherGeocodeAccuracy picklist 40 cunrp @OtherAddress | Other Geocode Accuracy
OtherAddress address 0 np | Other Address
MailingStreet textarea 255 cunp @MailingAddress ~plaintextarea | Mailing Street
MailingCity string 40 cunp @MailingAddress | Mailing City
MailingState string 80 cunp @MailingAddress | Mailing State/Province
MailingPostalCode string 20 cunp @MailingAddress | Mailing Zip/Postal Code
MailingCountry string 80 cunp @MailingAddress | Mailing Country
MailingStateCode picklist 10 cunp @MailingAddress | Mailing State/Province Code
MailingCountryCode picklist 10 cunp @MailingAddress | Mailing Country Code
MailingLatitude double 18.15 cunp @MailingAddress | Mailing Latitude
MailingLongitude double 18.15 cunp @MailingAddress | Mailing Longitude
MailingGeocodeAccuracy picklist 40 cunrp @MailingAddress | Mailing Geocode Accuracy
MailingAddress address 0 np | Mailing Address
Phone phone 40 cunp | Business Phone
Fax phone 40 cunp | Business Fax
MobilePhone phone 40 cunp | Mobile Phone
HomePhone phone 40 cunp | Home Phone
OtherPhone phone 40 cunp | Other Phone
AssistantPhone phone 40 cunp | Asst. Phone
ReportsToId reference 18 cunp >Contact:ReportsTo | Reports To ID
Email email 80 cunip | Email
Title string 128 cunp | Title
Department string 80 cunp | Department
AssistantName string 40 cunp | Assistant's Name
LeadSource picklist 255 cunp | Lead Source
Birthdate date 0 cunp | Birthdate
Description textarea 32000 cunp ~plaintextarea | Contact Description
OwnerId reference 18 cud >User:Owner | Owner ID
HasOptedOutOfEmail boolean 0 cudp | Email Opt Out
HasOptedOutOfFax boolean 0 cudp | Fax Opt Out
DoNotCall boolean 0 cudp | Do Not Call
*audit
LastActivityDate date 0 n | Last Activity
LastCURequestDate datetime 0 n | Last Stay-in-Touch Request Date
LastCUUpdateDate datetime 0 n | Last Stay-in-Touch Save Date
LastViewedDate datetime 0 n | Last Viewed Date
LastReferencedDate datetime 0 n | Last Referenced Date
EmailBouncedReason string 255 cun | Email Bounced Reason
EmailBouncedDate datetime 0 cun | Email Bounced Date
IsEmailBounced boolean 0 d | Is Email Bounced
PhotoUrl url 255 n ~imageurl | Photo URL
Jigsaw string 20 cunp | Data.com Key
JigsawContactId string 20 n | Jigsaw Contact ID
CleanStatus picklist 40 cunrp | Clean Status
IndividualId reference 18 cun | Individual ID
"""

ACCOUNT = """
Id id 18 di | Account ID
IsDeleted boolean 0 d | Deleted
MasterRecordId reference 18 n >Account:MasterRecord | Master Record ID
Name string 255 cuN @Name ~switchablepersonname | Account Name
Type picklist 40 cunp | Account Type
ParentId reference 18 cunp >Account:Parent | Parent Account ID
BillingStreet textarea 255 cunp @BillingAddress ~plaintextarea | Billing Street
BillingCity string 40 cunp @BillingAddress | Billing City
BillingState string 80 cunp @BillingAddress | Billing State/Province
BillingPostalCode string 20 cunp @BillingAddress | Billing Zip/Postal Code
BillingCountry string 80 cunp @BillingAddress | Billing Country
BillingStateCode picklist 10 cunp @BillingAddress | Billing State/Province Code
BillingCountryCode picklist 10 cunp @BillingAddress | Billing Country Code
BillingLatitude double 18.15 cunp @BillingAddress | Billing Latitude
BillingLongitude double 18.15 cunp @BillingAddress | Billing Longitude
BillingGeocodeAccuracy picklist 40 cunrp @BillingAddress | Billing Geocode Accuracy
BillingAddress address 0 np | Billing Address
ShippingStreet textarea 255 cunp @ShippingAddress ~plaintextarea | Shipping Street
ShippingCity string 40 cunp @ShippingAddress | Shipping City
ShippingState string 80 cunp @ShippingAddress | Shipping State/Province
ShippingPostalCode string 20 cunp @ShippingAddress | Shipping Zip/Postal Code
ShippingCountry string 80 cunp @ShippingAddress | Shipping Country
ShippingStateCode picklist 10 cunp @ShippingAddress | Shipping State/Province Code
ShippingCountryCode picklist 10 cunp @ShippingAddress | Shipping Country Code
ShippingLatitude double 18.15 cunp @ShippingAddress | Shipping Latitude
ShippingLongitude double 18.15 cunp @ShippingAddress | Shipping Longitude
ShippingGeocodeAccuracy picklist 40 cunrp @ShippingAddress | Shipping Geocode Accuracy
ShippingAddress address 0 np | Shipping Address
Phone phone 40 cunp | Account Phone
Fax phone 40 cunp | Account Fax
AccountNumber string 40 cunp | Account Number
Website url 255 cunp | Website
PhotoUrl url 255 n ~imageurl | Photo URL
Sic string 20 cunp | SIC Code
Industry picklist 40 cunp | Industry
AnnualRevenue currency 18.0 cunp | Annual Revenue
NumberOfEmployees int 8 cunp | Employees
Ownership picklist 40 cunp | Ownership
TickerSymbol string 20 cunp | Ticker Symbol
Description textarea 32000 cunp ~plaintextarea | Account Description
Rating picklist 40 cunp | Account Rating
Site string 80 cunp | Account Site
OwnerId reference 18 cud >User:Owner | Owner ID
*audit
LastActivityDate date 0 n | Last Activity
LastViewedDate datetime 0 n | Last Viewed Date
LastReferencedDate datetime 0 n | Last Referenced Date
IsPartner boolean 0 ud | Partner Account
IsCustomerPortal boolean 0 ud | Customer Portal Account
ChannelProgramName string 255 nx | Channel Program Name
ChannelProgramLevelName string 255 nx | Channel Program Level Name
Jigsaw string 20 cunp | Data.com Key
JigsawCompanyId string 20 n | Jigsaw Company ID
CleanStatus picklist 40 cunrp | Clean Status
AccountSource picklist 40 cunp | Account Source
DunsNumber string 9 cunp | D-U-N-S Number
Tradestyle string 255 cunp | Tradestyle
NaicsCode string 8 cunp | NAICS Code
NaicsDesc string 120 cunp | NAICS Description
YearStarted string 4 cunp | Year Started
SicDesc string 80 cunp | SIC Description
DandbCompanyId reference 18 cunp | D&B Company ID
OperatingHoursId reference 18 cunp >OperatingHours:OperatingHours | Operating Hour ID
"""

OPPORTUNITY = """
Id id 18 di | Opportunity ID
IsDeleted boolean 0 d | Deleted
AccountId reference 18 cunp >Account:Account | Account ID
IsPrivate boolean 0 cudp | Private
Name string 120 cuiN | Name
Description textarea 32000 cunp ~plaintextarea | Description
StageName picklist 255 cu | Stage
Amount currency 18.2 cunp | Amount
Probability percent 3.0 cundp | Probability (%)
ExpectedRevenue currency 18.2 np | Expected Amount
TotalOpportunityQuantity double 18.2 cunp | Quantity
CloseDate date 0 cu | Close Date
Type picklist 255 cunp | Opportunity Type
NextStep string 255 cunp | Next Step
LeadSource picklist 255 cunp | Lead Source
IsClosed boolean 0 d | Closed
IsWon boolean 0 d | Won
ForecastCategory picklist 40 r | Forecast Category
ForecastCategoryName picklist 255 cundr | Forecast Category
CampaignId reference 18 cunp >Campaign:Campaign | Campaign ID
HasOpportunityLineItem boolean 0 d | Has Line Item
Pricebook2Id reference 18 cund >Pricebook2:Pricebook2 | Price Book ID
OwnerId reference 18 cud >User:Owner | Owner ID
*audit
LastActivityDate date 0 n | Last Activity
LastStageChangeDate datetime 0 n | Last Stage Change Date
FiscalQuarter int 8 n @Fiscal | Fiscal Quarter
FiscalYear int 8 n @Fiscal | Fiscal Year
Fiscal string 6 n | Fiscal Period
ContactId reference 18 cn >Contact: | Contact ID
LastViewedDate datetime 0 n | Last Viewed Date
LastReferencedDate datetime 0 n | Last Referenced Date
HasOpenActivity boolean 0 dx | Has Open Activity
HasOverdueTask boolean 0 dx | Has Overdue Task
"""

USER = """
Id id 18 di | User ID
Username string 80 cuiU | Username
LastName string 80 cu @Name ~personname | Last Name
FirstName string 40 cun @Name ~personname | First Name
Name string 121 N ~personname | Full Name
CompanyName string 80 cun | Company Name
Division string 80 cun | Division
Department string 80 cun | Department
Title string 80 cun | Title
Street textarea 255 cun @Address ~plaintextarea | Street
City string 40 cun @Address | City
State string 80 cun @Address | State/Province
PostalCode string 20 cun @Address | Zip/Postal Code
Country string 80 cun @Address | Country
StateCode picklist 10 cun @Address | State/Province Code
CountryCode picklist 10 cun @Address | Country Code
Latitude double 18.15 cun @Address | Latitude
Longitude double 18.15 cun @Address | Longitude
GeocodeAccuracy picklist 40 cunr @Address | Geocode Accuracy
Address address 0 n | Address
Email email 128 cui | Email
SenderEmail email 80 cun | Email Sender Address
SenderName string 80 cun | Email Sender Name
Phone phone 40 cun | Phone
Fax phone 40 cun | Fax
MobilePhone phone 40 cun | Mobile
Extension phone 40 cun | Extension
Alias string 8 cu | Alias
CommunityNickname string 40 cudU | Nickname
IsActive boolean 0 cud | Active
TimeZoneSidKey picklist 40 cur | Time Zone
UserRoleId reference 18 cun >UserRole:UserRole | Role ID
LocaleSidKey picklist 40 cur | Locale
ReceivesInfoEmails boolean 0 cud | Info Emails
ReceivesAdminInfoEmails boolean 0 cud | Admin Info Emails
EmailEncodingKey picklist 40 cur | Email Encoding
ProfileId reference 18 cu >Profile:Profile | Profile ID
UserType picklist 40 r | User Type
LanguageLocaleKey picklist 40 cur | Language
EmployeeNumber string 20 cun | Employee Number
DelegatedApproverId reference 18 cun >Group,User: | Delegated Approver ID
ManagerId reference 18 cun >User:Manager | Manager ID
LastLoginDate datetime 0 n | Last Login
LastPasswordChangeDate datetime 0 n | Last Password Change or Reset
*audit
ForecastEnabled boolean 0 cud | Allow Forecasting
CallCenterId reference 18 cun > | Call Center ID
ContactId reference 18 cn >Contact:Contact | Contact ID
AccountId reference 18 n >Account:Account | Account ID
AboutMe textarea 1000 cun ~plaintextarea | About Me
FullPhotoUrl url 1024 n ~imageurl | Url for full-sized Photo
SmallPhotoUrl url 1024 n ~imageurl | Photo
FederationIdentifier string 512 cunU | SAML Federation ID
LastViewedDate datetime 0 n | Last Viewed Date
LastReferencedDate datetime 0 n | Last Referenced Date
"""

GROUP = """
Id id 18 di | Group ID
Name string 40 cuN | Name
DeveloperName string 80 cun | Developer Name
RelatedId reference 18 n >User,UserRole:Related | Related ID
Type picklist 40 cr | Type
Email email 255 cun | Email
OwnerId reference 18 n >User:Owner | Owner ID
DoesSendEmailToMembers boolean 0 cud | Send Email to Members
DoesIncludeBosses boolean 0 cud | Include Bosses
*audit
"""

GROUP_MEMBER = """
Id id 18 di | Group Member ID
GroupId reference 18 c >Group:Group | Group ID
UserOrGroupId reference 18 c >Group,User:UserOrGroup | User/Group ID
SystemModstamp datetime 0 d | System Modstamp
"""

QUEUE_SOBJECT = """
Id id 18 di | Queue Sobject ID
QueueId reference 18 c >Group:Queue | Group ID
SobjectType picklist 40 cr | Sobject Type
CreatedById reference 18 d >User:CreatedBy | Created By ID
SystemModstamp datetime 0 d | System Modstamp
"""

CAMPAIGN = """
Id id 18 di | Campaign ID
IsDeleted boolean 0 d | Deleted
Name string 80 cuiN | Name
ParentId reference 18 cunp >Campaign:Parent | Parent Campaign ID
Type picklist 40 cunp | Type
Status picklist 40 cundp | Status
StartDate date 0 cunp | Start Date
EndDate date 0 cunp | End Date
ExpectedRevenue currency 18.0 cunp | Expected Revenue in Campaign
BudgetedCost currency 18.0 cunp | Budgeted Cost in Campaign
ActualCost currency 18.0 cunp | Actual Cost in Campaign
ExpectedResponse percent 10.2 cunp | Expected Response (%)
NumberSent double 18.0 cunp | Num Sent in Campaign
IsActive boolean 0 cudp | Active
Description textarea 32000 cunp ~plaintextarea | Description
NumberOfLeads int 8 | Leads in Campaign
NumberOfConvertedLeads int 8 | Converted Leads in Campaign
NumberOfContacts int 8 | Contacts in Campaign
NumberOfResponses int 8 | Responses in Campaign
NumberOfOpportunities int 8 | Opportunities in Campaign
NumberOfWonOpportunities int 8 | Won Opportunities in Campaign
AmountAllOpportunities currency 18.0 | Value Opportunities in Campaign
AmountWonOpportunities currency 18.0 | Value Won Opportunities in Campaign
OwnerId reference 18 cud >User:Owner | Owner ID
*audit
LastActivityDate date 0 n | Last Activity
LastViewedDate datetime 0 n | Last Viewed Date
LastReferencedDate datetime 0 n | Last Referenced Date
CampaignMemberRecordTypeId reference 18 cun > | Record Type ID
"""

CAMPAIGN_MEMBER = """
Id id 18 di | Campaign Member ID
IsDeleted boolean 0 d | Deleted
CampaignId reference 18 c >Campaign:Campaign | Campaign ID
LeadId reference 18 cn >Lead:Lead | Lead ID
ContactId reference 18 cn >Contact:Contact | Contact ID
Status picklist 40 cund | Status
HasResponded boolean 0 d | Responded
*audit
FirstRespondedDate date 0 n | First Responded Date
Salutation picklist 40 n | Salutation
Name string 255 nN | Name
FirstName string 40 n | First Name
LastName string 80 n | Last Name
Title string 128 n | Title
Street textarea 255 n ~plaintextarea | Street
City string 40 n | City
State string 80 n | State/Province
PostalCode string 20 n | Zip/Postal Code
Country string 80 n | Country
Email email 80 n | Email
Phone phone 40 n | Phone
Fax phone 40 n | Fax
MobilePhone phone 40 n | Mobile
Description textarea 32000 n ~plaintextarea | Description
DoNotCall boolean 0 d | Do Not Call
HasOptedOutOfEmail boolean 0 d | Email Opt Out
HasOptedOutOfFax boolean 0 d | Fax Opt Out
LeadSource picklist 255 n | Lead Source
CompanyOrAccount string 255 n | Company (Account)
Type picklist 40 nr | Type
LeadOrContactId reference 18 n >Contact,Lead: | Related Record ID
LeadOrContactOwnerId reference 18 n >Group,User: | Related Record Owner ID
"""

LEAD_STATUS = """
Id id 18 di | Lead Status Value ID
MasterLabel string 255 nN | Master Label
ApiName string 255 n | API Name
SortOrder int 8 n | Sort Order
IsDefault boolean 0 d | Is Default
IsConverted boolean 0 d | Is Converted
*audit
"""

ORGANIZATION = """
Id id 18 di | Organization ID
Name string 80 uN | Name
Division string 80 un | Division
Street textarea 255 un @Address ~plaintextarea | Street
City string 40 un @Address | City
State string 80 un @Address | State/Province
PostalCode string 20 un @Address | Zip/Postal Code
Country string 80 un @Address | Country
StateCode picklist 10 un @Address | State/Province Code
CountryCode picklist 10 un @Address | Country Code
Latitude double 18.15 un @Address | Latitude
Longitude double 18.15 un @Address | Longitude
GeocodeAccuracy picklist 40 unr @Address | Geocode Accuracy
Address address 0 n | Address
Phone phone 40 un | Phone
Fax phone 40 un | Fax
PrimaryContact string 80 un | Primary Contact
DefaultLocaleSidKey picklist 40 ur | Locale
TimeZoneSidKey picklist 40 ur | Time Zone
LanguageLocaleKey picklist 40 ur | Language
ReceivesInfoEmails boolean 0 ud | Info Emails
ReceivesAdminInfoEmails boolean 0 ud | Info Emails Admin
FiscalYearStartMonth int 8 u | Fiscal Year Starts In
UsesStartDateAsFiscalYearName boolean 0 d | Fiscal Year Name by Start
DefaultAccountAccess picklist 40 nr | Default Account Access
DefaultContactAccess picklist 40 nr | Default Contact Access
DefaultOpportunityAccess picklist 40 nr | Default Opportunity Access
DefaultLeadAccess picklist 40 nr | Default Lead Access
DefaultCampaignAccess picklist 40 nr | Default Campaign Access
TrialExpirationDate datetime 0 n | Trial Expiration Date
OrganizationType picklist 40 nr | Edition
NamespacePrefix string 15 n | Namespace Prefix
InstanceName string 5 n | Instance Name
IsSandbox boolean 0 d | Is Sandbox
WebToCaseDefaultOrigin string 40 un | Web to Cases Default Origin
MonthlyPageViewsUsed int 9 n | Monthly Page Views Used
MonthlyPageViewsEntitlement int 9 n | Monthly Page Views Allowed
IsReadOnly boolean 0 d | Is Read Only
*audit
"""

PROFILE = """
Id id 18 di | Profile ID
Name string 255 cuN | Name
UserType picklist 40 nr | User Type
Description string 255 cun | Description
*audit
"""

USER_ROLE = """
Id id 18 di | Role ID
Name string 80 cuN | Name
ParentRoleId reference 18 cun > | Parent Role ID
DeveloperName string 80 cun | Developer Name
RollupDescription string 80 cun | Description
LastModifiedDate datetime 0 d | Last Modified Date
LastModifiedById reference 18 d >User:LastModifiedBy | Last Modified By ID
SystemModstamp datetime 0 d | System Modstamp
"""

# What a polymorphic relationship shows of its target when no TYPEOF names it (vendor's object `Name`).
NAME = """
Id id 18 di | Name ID
Name string 255 nN ~personname | Name
LastName string 80 n | Last Name
FirstName string 80 n | First Name
Type picklist 40 r | Type
Alias string 80 n | Alias
UserRoleId reference 18 n >UserRole:UserRole | Role ID
ProfileId reference 18 n >Profile:Profile | Profile ID
IsActive boolean 0 d | Active
Email email 255 n | Email
Phone phone 40 n | Phone
Title string 128 n | Title
Username string 80 n | Username
"""
