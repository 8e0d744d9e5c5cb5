"""Small files in the shapes of public formats, written for these tests; cities and figures are invented."""

from __future__ import annotations

COVENANT = """\ufeffGCoM_ID,signatory name,country code,Covenant Region,Year of adhesion,population adhesion year, signatory adhesion type , latitude , longitude ,area, NUTS3 , LAU1 , LAU2 , FUA_ID , CITY_ID/GREATER_CITY_ID , CITY or Greater City ,population in 2018, degree of urbanisation ,Heating Degree-Days (HDD),reference year HDD,"GDP per capita at NUTS3 [Euro per inhabitant]"," GHG emissions per capita in GCoM sectors_EDGAR [tCO2-eq/year] ",reference years in EDGAR,  Mitigation reduction target 2020 [%] ,  Mitigation reduction target 2030 [%] , reduction_type_id\x20
GR9001,ΒΑΘΥΚΑΜΠΟΣ,el,Europe EU27,2012,4000.00, As an individual signatory , 38.10 , 23.40 ,10.00, EL301 ,, EL1 ,, NaN , Other ,4100.00, 2.00 ,1809.82,2000,8000.00, 5.94 ,2000, 20.00 , -   , absolute\x20
UK9002,UPPER EXAMPLETON,uk,Europe EU27,2016,8000.00, As an individual signatory , NaN , NaN ,111.08, UKC11 ,, UK1 ,, NaN , Other , NaN , 9.00 ,2327.65,2015,15833.33, 4.17 ,2016, NaN , 40.00 , NaN\x20
IT9003,Santa Prova,it,Europe EU27,2013,3663.00, As an individual signatory , 38.00 , 15.41 ,13.00, ITG13 ,, IT3 ,, NaN , Other ,3671.00, 3.00 ,1153.58,2012,17038.89, 4.53 ,2012, NaN , NaN , NaN\x20
IT9004,Santa Prova,it,Europe EU27,2014,2598.00, As an individual signatory , 45.38 , 9.46 ,7.00, ITC46 ,, IT4 ,, NaN , Other ,2587.00, 3.00 ,2762.34,2005,30538.89, 5.48 ,2005, 20.00 , -   , absolute\x20
IT9004,Santa Prova,it,Europe EU27,2014,2598.00, As an individual signatory , 45.38 , 9.46 ,7.00, ITC46 ,, IT4 ,, NaN , Other ,2587.00, 3.00 ,2762.34,2005,30538.89, 5.48 ,2005, 20.00 , -   , absolute\x20
TN9005,Exemplis,tn,North Africa,2014,2598.00, x , 36.0 , 10.0 ,7.00, NaN ,, TN5 ,, NaN , Other ,2587.00, 3.00 ,762.34,2005,3000, 5.48 ,2005, 20.00 , -   , absolute\x20
,,,,,,,,,,,,,,,,,,,,,,,,,
DE0021,Aachen,de,Europe EU27,2009,260000.00, x , 50.78 , 6.08 ,160.00, DEA2D ,, DE5 ,, DE507C1 , City or Greater city ,246272.00, 1.00 ,2448.64,1990,30183.33, 8.76 ,1990, 40.00 , -   , absolute\x20
"""

INVENTORIES = """GCoM_ID,signatory name,inventory year,type of emission inventory,emission inventory sector,type of emissions,emissions,population in the inventory year,emission reporting unit
PL9001,Przykład,2012,BEI,Municipal buildings and facilities,direct,1000,5000,tonnes CO2
PL9001,Przykład,2012,BEI,Transportation,direct,4000,5000,tonnes CO2
PL9001,Przykład,2018,MEI,Residential buildings and facilities,direct,7000.5,5100,tonnes CO2
PL9001,Przykład,2018,MEI,Residential buildings and facilities,indirect,2000,5100,tonnes CO2
PL9001,Przykład,2018,MEI,Transportation,direct,3000,5100,tonnes CO2
PL9001,Przykład,2018,MEI,Waste/wastewater,direct,500,5100,tonnes CO2
PL9001,Przykład,2018,MEI,Moon travel,direct,1,5100,tonnes CO2
"""

TOTALS = """emissions_id,actor_id,year,total_emissions,datasource_id
X:AT XXA:2013.0,AT XXA,2013,137075,X:compilation
X:AT XXA:2015.0,AT XXA,2015,130075.25,X:compilation
X:BE XXB:2014.0,BE XXB,2014,60455,X:compilation
"""

CDP_2016 = """Account Number,City Name,Country,City Short Name,C40,Reporting Year,Measurement Year,Boundary,Primary Methodology,Methodology Details,Gases included,Total City-wide Emissions (metric tonnes CO2e),Total Scope 1 Emissions (metric tonnes CO2e),Total Scope 2 Emissions (metric tonnes CO2e),Increase/Decrease from last year,Reason for increase/decrease in emissions,Current Population Year,Current Population,City GDP,GDP Currency,City Location,Country Location
1,Comune di Esempio,Italy,Esempio,,2016,12/31/2013 12:00:00 AM,A metropolitan area,GPC,Contact: Dr. Anna Kanarek +39 055 123 4567,CO2; CH4,625391.59,589055.31,36336.28,,,2015,272726,,,"(43.76, 11.25)","(42.0, 12.5)"
2,Prefeitura de Exemplo,Brazil,Exemplo,,2016,12/31/2013 12:00:00 AM,A metropolitan area,GPC,,CO2,1,1,,,,2015,2,,,"(-10.2, -48.3)",""
"""

CDP_2017 = """Account number,Organization,City,Country,Region,C40,Access,Reporting year,Accounting year,Boundary,Protocol,Protocol column,Gases included,Total emissions (metric tonnes CO2e),Scopes Included ,Total Scope 1 Emissions (metric tonnes CO2e),Total Scope 2 Emissions (metric tonnes CO2e),Comment,Population,Population year,City Location
7,Ayuntamiento de Ejemplo,Ejemplo ,Spain,Europe,,Public,2017,2013-07-01 - 2014-06-30,Administrative boundary of a local government,GPC,,,12232310,Total,2249502,9982808,,1152115,2011,"(41.7, -4.7)"
8,Atlantis Council,Atlantis,Atlantis,Europe,,Public,2017,2013-01-01 - 2013-12-31,A metropolitan area,GPC,,,5,Total,,,,,,
"""

CDP_2018 = """Year Reported to CDP,Account Number,Organization,City,Country,CDP Region,Reporting Authority,Access,City-wide Emissions Inventory,Accounting Year,Inventory Boundary,Primary Protocol,Total Scope 1 Emissions (metric tonnes CO2e),Total Scope 2 Emissions (metric tonnes CO2e),Total Scope 3 emissions (metric tonnes CO2e),Total BASIC Emissions (GPC),Total BASIC+ Emissions (GPC),Population,Population Year,City Location
2018,10,Eksempel Kommune,Eksempel,Denmark,Europe,ICLEI,public,Yes,2016-01-01 - 2016-12-31,Administrative boundary of a local government,Regional,180000,20000,,Not Applicable,Not Applicable,38500,2016,POINT (9.54153 57.1453)
2018,11,City of Nowhere,Nowhere,Denmark,Europe,ICLEI,public,No,,,,,,,,,4500,2017,POINT (9.8 56.2)
2018,12,Big City,Big,Sweden,Europe,ICLEI,public,Yes,2016-01-01 - 2016-12-31,Administrative boundary of a local government,GPC,90,10,,500000,,500,2016,POINT (15 59)
"""

CDP_2019 = CDP_2018.replace("2018,1", "2019,1").replace(
    "Administrative boundary of a local government", "Same – covers entire city and nothing else"
)

_LATE = (
    "Year Reported to CDP,Account Number,Organization,City,Country,CDP Region,Access,City-wide emissions inventory,Accounting year,"
    "Administrative city boundary,Inventory boundary (compared to Administrative city boundary),Primary Protocol,"
    "Direct emissions (metric tonnes CO2e) for Total emissions (excluding generation of grid-supplied energy),"
    "Indirect emissions from use of grid supplied energy (metric tonnes CO2e) for Total Emissions (excluding generation of grid-supplied energy),"
    "TOTAL Scope 1 Emissions (metric tonnes CO2e),TOTAL Scope 2 emissions (metric tonnes CO2e),TOTAL Scope 3 Emissions,"
    "TOTAL BASIC Emissions (GPC),TOTAL BASIC+ Emissions (GPC),Land area (in square km),Population,Population Year,City Location\n"
)
CDP_2020 = _LATE + (
    "2020,20,Gemeente Voorbeeld,,Netherlands,Europe,public,Yes,2018-01-01 - 2018-12-31,City / Municipality,"
    "Larger – covers the whole city and adjoining areas,GPC,,,400000,100000,50000,550000,,39.2,126594,2019,POINT (5.6 52.1)\n"
)
CDP_2021 = _LATE + (
    "2021,21,City of Beispiel,Beispiel,Austria,Europe,public,Yes,2019-01-01 - 2019-12-31,City / Municipality,"
    "Smaller – covers only part of the city,GPC,514091.61,782045.75,,,,,,27.36,582602,2015,\n"
)

C40 = """Use for GPC Dashboard?,Latest GPC Inventory?,City,Country,Region,Boundary,Year,Year_calendar,City_year,Level,Population,I.1.1,I.1.2,I.1.3,I.2.1,I.4.4,II.1.1,II.1.3,III.1.1,III.1.2,III.1.3,IV.1,IV.2,V.1,V.2,BASIC,BASIC+
Yes,No,Exempla,Denmark,Europe,Administrative boundary of a local government ,2015,2015,Exempla_2015,BASIC,500000,900,90,NE,IE,7,500,NE,NO,50,8,NE,NE,NE,NE,1540,1540
Yes,Yes,Exempla,Denmark,Europe,Administrative boundary of a local government ,2018,2018,Exempla_2018,BASIC,520000,1000,100,NE,IE,7777,600,NE,NO,60,888,NE,NE,NE,NE,1760,1760
Yes,Yes,Przykladowo,Poland,Europe,A metropolitan area,2019,2019,x,BASIC+,700000,2000,200,20,IE (I.1.1),0,700,70,NO,NO; IE,NO,30,NO,5,-40,3000,3100
Yes,Yes,Exemplis,Japan,Asia,City / Municipality,2019,2019,x,BASIC,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1
"""

CIRIS = """City Inventory Reporting and Information System,,,,,
City:,Vorbild,,,,
Country,Österreich,,,,
Inventory year,2019,,,,
Population,"100,000",,,,
Boundary,Administrative boundary of a local government,,,,
,,,,,
GPC ref. no.,Scope,Fuel type or activity,Notation key,Total CO2e,Comment
I.1.1,1,Natural gas,,"120,000.5",
I.1.1,1,Fuel oil,,10000,
I.1.2,2,Electricity,,50000,
I.4.4,1,Power plant,,999999,
I.8.1,1,,NO,,
II.1.1,1,Petrol,,80000,
II.3.1,1,,NO,,
III.1.1,1,,NO,,
III.1.2,3,Landfill,,9000,
III.4.1,1,,NE,,
IV.1,1,,NE,,
V.2,1,Forest,,-3000,
"""

CARBON_MONITOR = """id,city_name,locode,year,sector,GPC_refno,gas_name,emissions_value,emissions_units,source_name,temporal_granularity
a,Vorbild,AT VOR,2020,Residential,I.1.1,CO2,391497468,kg,Carbon Monitor Cities,Annual
b,Vorbild,AT VOR,2021,Residential,I.1.1,CO2,400000000,kg,Carbon Monitor Cities,Annual
c,Vorbild,AT VOR,2021,Ground Transport,II.1.1,CO2,200000000,kg,Carbon Monitor Cities,Annual
d,Vorbild,AT VOR,2021,Aviation,II.4.1,CO2,50000000,kg,Carbon Monitor Cities,Annual
e,Vorbild,AT VOR,2021,Industry,IV.1,CO2,100000000,kg,Carbon Monitor Cities,Annual
f,Exemplis,AE EXE,2021,Residential,I.1.1,CO2,400000000,kg,Carbon Monitor Cities,Annual
"""

CONTRACT_GPC = """Climate City Contract – Action Plan,,,,
City,Vorbild,,,
Country,Austria,,,
Base year,2018,,,
Unit,kt CO2e,,,
Sector,Scope 1,Scope 2,Scope 3,Total
Buildings,100.5,200,,300.5
Transport,150,2,,152
Waste,NO,,12,12
Industrial Process and Product Use (IPPU),NE,,,NE
"Agricultural, Forestry and Land Use (AFOLU)",4,,,4
Carbon sinks,-10,,,-10
Total,,,,468.5
"""

CONTRACT_ECONOMIC = """City,Country,Base year,Unit,Transport,Buildings & Heating,Electricity,Waste,Other (incl. IPPU and AFOLU),Total
Vorbild,AT,2019,t CO2e,100000,200000,50000,IE,30000,380000
Modello,IT,2020,kt CO2e,110,210,60,10,35,425
"""

CONTRACT_CITY = """City: Modell,,
Country: Germany,,
Sector,Emissions [t CO2e],Comment
Residential buildings,100000,
Public transport,20000,
Mobility,80000,
Flying whales,5000,
Wastewater,1500,
Summe,206500,
"""

MY_COVENANT = """Signatory;Przykład;;;;;
Country;Poland;;;;;
Inventory year;2014;;;;;
Number of inhabitants in the inventory year;50000;;;;;
Emission reporting unit;tonnes CO2 equivalent;;;;;
A. Final energy consumption [MWh];;;;;;
Sector;;Electricity;Heat/cold;Natural gas;Diesel;TOTAL
Residential buildings;;1;1;1;1;4
TOTAL;;1;1;1;1;4
B. CO2 or CO2 eq. emissions [t];;;;;;
Sector;;Electricity;Heat/cold;Natural gas;Diesel;TOTAL
BUILDINGS, EQUIPMENT/FACILITIES AND INDUSTRIES;;;;;;
Municipal buildings, equipment/facilities;;1000;2000;3000;;6000
Residential buildings;;10000;20000;30000;;60000
Public lighting;;500;;;;500
Industry: Non-ETS;;4000;;6000;;10000
Subtotal;;15500;22000;39000;;76500
TRANSPORT;;;;;;
Municipal fleet;;;;;700;700
Public transport;;300;;;1700;2000
Private and commercial transport;;;;;40000;40000
Subtotal;;300;;;42400;42700
OTHER NON-ENERGY RELATED;;;;;;
Waste management;;;;;;NE
Waste water management;;;;;;800
TOTAL;;;;;;120000
"""
